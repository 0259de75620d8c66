import { fitScaling } from './scaling.js';

const feature = (...values: number[]) => ({ name: 'return-1', warmUp: 0, values: Float64Array.from(values) });

describe('fitScaling', () => {
  it('standard gives mean and population deviation of the fitted rows only', () => {
    expect(fitScaling('standard', feature(999, 2, 4, 6, -999), { first: 1, end: 4 })).toEqual({
      offset: 4,
      divisor: Math.sqrt(8 / 3),
    });
  });

  it('minmax gives lowest and range of the fitted rows only', () => {
    expect(fitScaling('minmax', feature(999, 2, 6, 4, -999), { first: 1, end: 4 })).toEqual({ offset: 2, divisor: 4 });
  });

  it('none changes nothing', () => {
    expect(fitScaling('none', feature(2, 6), { first: 0, end: 2 })).toEqual({ offset: 0, divisor: 1 });
  });

  it.each(['standard', 'minmax'] as const)('%s does not blow up the rounding noise of a constant', (kind) => {
    const noisy = feature(0.1, 0.1 + 1e-17, 0.1 - 1e-17, 0.1 + 2e-16);
    expect(fitScaling(kind, noisy, { first: 0, end: 4 }).divisor).toBe(1);
  });
});
