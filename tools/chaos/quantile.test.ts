import { quantile } from './quantile.js';

describe('a quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[1, 2, 3, 4], 0.5, 2],
    [[5, 9], 0.95, 9],
    [[7], 0.95, 7],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.95, 95],
  ])('of %j at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });

  it('of nothing is null', () => {
    expect(quantile([], 0.5)).toBeNull();
  });
});
