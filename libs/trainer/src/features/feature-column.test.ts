import { TrainingSpec } from '@ktrdr/specs';
import { toFeatureColumn } from './feature-column.js';

const column = (spec: unknown, prices: readonly number[]) =>
  toFeatureColumn(TrainingSpec.shape.features.element.parse(spec), Float64Array.from(prices));

/** Values after the warm-up, which must be NaN throughout. */
function settled(spec: unknown, prices: readonly number[]): number[] {
  const { values, warmUp } = column(spec, prices);
  expect([...values.subarray(0, warmUp)].every(Number.isNaN)).toBe(true);
  return [...values.subarray(warmUp)];
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, 9));
}

describe('features against values computed by hand', () => {
  it('return is the logarithm of the price ratio', () => {
    expectClose(settled({ kind: 'return', period: 2 }, [10, 12, 15, 6]), [Math.log(1.5), Math.log(0.5)]);
  });

  it('momentum is the relative change', () => {
    expectClose(settled({ kind: 'momentum', period: 2 }, [10, 12, 15, 6]), [0.5, -0.5]);
  });

  it('volatility is the sample deviation of daily log returns', () => {
    // returns ln 1.1 and ln 0.9: their deviation is |a - b| / sqrt 2
    expectClose(settled({ kind: 'volatility', period: 2 }, [100, 110, 99]), [0.20067069546215122 / Math.SQRT2]);
  });

  it('sma-ratio compares the price with its simple average', () => {
    expectClose(settled({ kind: 'sma-ratio', period: 2 }, [10, 12, 15]), [12 / 11 - 1, 15 / 13.5 - 1]);
  });

  it('ema-ratio compares the price with its exponential average', () => {
    // weight 1/2: averages 10, 11, 12.5, 16.25
    expectClose(settled({ kind: 'ema-ratio', period: 3 }, [10, 12, 14, 20]), [14 / 12.5 - 1, 20 / 16.25 - 1]);
  });

  it("rsi smooths gains and losses as Wilder's does", () => {
    // changes +2 -1 +2: gain 1, loss 0.5; then gain 1.5, loss 0.25
    expectClose(settled({ kind: 'rsi', period: 2 }, [10, 12, 11, 13]), [2 / 3, 6 / 7]);
  });

  it('macd is the histogram as a share of the price', () => {
    // slow averages 10, 11, 12.5, 16.25, 16.125; lines 1.5, 3.75, -0.125; signals 1.5, 3, 11/12
    const values = settled({ kind: 'macd', fast: 1, slow: 3, signal: 2 }, [10, 12, 14, 20, 16]);
    expectClose(values, [0.75 / 20, (-0.125 - 11 / 12) / 16]);
  });

  it('bollinger is the place between the bands', () => {
    // middle 12, population deviation sqrt(8/3)
    expectClose(settled({ kind: 'bollinger', period: 3, deviations: 2 }, [10, 12, 14]), [1 / Math.sqrt(8 / 3)]);
  });
});

const EVERY_KIND = [
  { spec: { kind: 'return', period: 3 }, name: 'return-3', constant: 0 },
  { spec: { kind: 'volatility', period: 5 }, name: 'volatility-5', constant: 0 },
  { spec: { kind: 'sma-ratio', period: 4 }, name: 'sma-ratio-4', constant: 0 },
  { spec: { kind: 'ema-ratio', period: 4 }, name: 'ema-ratio-4', constant: 0 },
  { spec: { kind: 'rsi' }, name: 'rsi-14', constant: 0.5 },
  { spec: { kind: 'macd' }, name: 'macd-12-26-9', constant: 0 },
  { spec: { kind: 'bollinger', deviations: 2.5 }, name: 'bollinger-20-2.5', constant: 0 },
  { spec: { kind: 'momentum' }, name: 'momentum-10', constant: 0 },
];

describe.each(EVERY_KIND)('feature $name', ({ spec, name, constant }) => {
  const wave = Array.from({ length: 80 }, (_, day) => 100 + 10 * Math.sin(day / 5) + day / 4);

  it('is named after its parameters', () => {
    expect(column(spec, wave).name).toBe(name);
  });

  it('has a finite value in every row after the warm-up', () => {
    expect(settled(spec, wave).every(Number.isFinite)).toBe(true);
    expect(column(spec, wave).warmUp).toBeLessThan(40);
  });

  it('never looks ahead', () => {
    const before = settled(spec, wave);
    const after = settled(spec, [...wave.slice(0, -1), 1]);
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    expect(after.at(-1)).not.toBe(before.at(-1));
  });

  it('does not depend on the currency', () => {
    const exact = settled(
      spec,
      wave.map((price) => price * 1024),
    );
    expect(exact).toEqual(settled(spec, wave));
  });

  it('is neutral while the price stands still', () => {
    const values = settled(
      spec,
      wave.map(() => 0.1),
    );
    values.forEach((value) => expect(value).toBeCloseTo(constant, 12));
  });

  it('has no value at all in a series shorter than its warm-up', () => {
    expect([...column(spec, [1, 2]).values].every(Number.isNaN)).toBe(true);
  });
});
