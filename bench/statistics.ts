/** What a set of durations looks like; all in the unit of the samples. */
export type Summary = Readonly<{ count: number; p50: number; p95: number; p99: number; max: number }>;

/**
 * The sample below or at which this fraction of all samples lies (nearest rank: always one that was measured).
 * @throws RangeError without samples, or for a fraction outside 0 to 1.
 */
export function quantile(samples: readonly number[], fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`A quantile's fraction is 0 to 1, not ${fraction}.`);
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('Nothing was measured, so there is no quantile.');
  return value;
}

/** The quantiles that benches report. */
export function summarize(samples: readonly number[]): Summary {
  return {
    count: samples.length,
    p50: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    p99: quantile(samples, 0.99),
    max: quantile(samples, 1),
  };
}

/** Of several observations of what should be `expected`, the one furthest from it. */
export function furthestFrom(expected: number, observed: readonly number[]): number {
  return observed.reduce(
    (worst, value) => (Math.abs(value - expected) > Math.abs(worst - expected) ? value : worst),
    expected,
  );
}
