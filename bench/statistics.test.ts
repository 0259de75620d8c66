import { furthestFrom, quantile, summarize } from './statistics.js';

const HUNDRED = Array.from({ length: 100 }, (_, index) => index + 1);

describe('quantile', () => {
  it('is a sample that was measured, whatever the order of the samples', () => {
    expect(quantile([9, 1, 5, 3, 7], 0.5)).toBe(5);
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2);
    expect(quantile(HUNDRED.toReversed(), 0.99)).toBe(99);
  });

  it('is the least at 0 and the greatest at 1', () => {
    expect(quantile([3, 1, 2], 0)).toBe(1);
    expect(quantile([3, 1, 2], 1)).toBe(3);
  });

  it('sorts by size, not by digits', () => {
    expect(quantile([100, 9, 20], 0.5)).toBe(20);
  });

  it('leaves the samples as they were', () => {
    const samples = [2, 1];
    quantile(samples, 0.5);
    expect(samples).toEqual([2, 1]);
  });

  it('refuses to make up a figure from nothing', () => {
    expect(() => quantile([], 0.5)).toThrow('Nothing was measured');
    expect(() => quantile([1], 1.5)).toThrow('0 to 1');
    expect(() => quantile([1], Number.NaN)).toThrow('0 to 1');
  });
});

describe('summarize', () => {
  it('gives count, p50, p95, p99 and the greatest', () => {
    expect(summarize(HUNDRED)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  });

  it('is that one sample everywhere when there is only one', () => {
    expect(summarize([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  });
});

describe('furthestFrom', () => {
  it('finds the worst round on either side', () => {
    expect(furthestFrom(1, [1, 1, 2, 1])).toBe(2);
    expect(furthestFrom(1, [1, 0, 1])).toBe(0);
  });

  it('is what was expected when every round was', () => {
    expect(furthestFrom(1, [1, 1])).toBe(1);
  });
});
