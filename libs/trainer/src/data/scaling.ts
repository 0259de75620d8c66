import type { TrainingSpec } from '@ktrdr/specs';
import type { FeatureColumn } from '../features/feature-column.js';

/** Maps a feature's value to `(value - offset) / divisor`. */
export interface Scaling {
  readonly offset: number;
  readonly divisor: number;
}

/** A spread below this is rounding noise of a constant: features are ratios, so it is far below any real one. */
const SMALLEST_SPREAD = 1e-12;
const UNCHANGED: Scaling = { offset: 0, divisor: 1 };

/**
 * Fits the scaling of one feature on rows `first … end - 1`, which must be the training part's and no others.
 * `standard` gives mean 0 and standard deviation 1 there, `minmax` gives 0 … 1 (later rows may lie outside);
 * a constant feature becomes 0.
 */
export function fitScaling(
  kind: TrainingSpec['normalization'],
  { values }: FeatureColumn,
  { first, end }: { readonly first: number; readonly end: number },
): Scaling {
  const fitted = values.subarray(first, end);
  if (kind === 'none' || fitted.length === 0) return UNCHANGED;
  if (kind === 'minmax') {
    let [lowest, highest] = [Infinity, -Infinity];
    for (const value of fitted) {
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    return { offset: lowest, divisor: spreadOrOne(highest - lowest) };
  }
  let sum = 0;
  for (const value of fitted) sum += value;
  const mean = sum / fitted.length;
  let squares = 0;
  for (const value of fitted) squares += (value - mean) * (value - mean);
  return { offset: mean, divisor: spreadOrOne(Math.sqrt(squares / fitted.length)) };
}

function spreadOrOne(spread: number): number {
  return spread < SMALLEST_SPREAD ? 1 : spread;
}
