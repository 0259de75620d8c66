import type { SplitSpec } from '@ktrdr/specs';
import { DataInvalidError } from './errors.js';

/** Consecutive samples, each named by its day: the last row it looks at. `first` is a row of the series. */
export interface SampleRange {
  readonly first: number;
  readonly count: number;
}

export interface SamplePlan {
  readonly train: SampleRange;
  readonly validation: SampleRange;
  readonly test: SampleRange;
}

export interface SampleDemand {
  /** How errors call the file. */
  readonly file: string;
  readonly rows: number;
  /** Rows at the start that some feature has no value for. */
  readonly warmUp: number;
  readonly window: number;
  readonly horizon: number;
  readonly split: SplitSpec;
}

/**
 * Cuts the samples into parts by time, the oldest for training. The sample of day `t` reads rows `t - window + 1 … t`
 * and its label reads row `t + horizon`, so between two parts `horizon` days are left out: the last label of a part is
 * settled before the first day of the next one, and no later part can reach an earlier one through a label (López de
 * Prado, Advances in Financial Machine Learning, 2018, ch. 7: purging).
 * Throws DataInvalidError when a part with a share above 0 would get no sample.
 */
export function planSamples({ file, rows, warmUp, window, horizon, split }: SampleDemand): SamplePlan {
  const first = warmUp + window - 1;
  const { train, validation, test } = split;
  const gapAfterTrain = validation > 0 ? horizon : 0;
  const gapBeforeTest = test > 0 ? horizon : 0;
  const unusable = first + horizon + gapAfterTrain + gapBeforeTest;
  const samples = Math.max(0, rows - unusable);

  const trainCount = Math.round(samples * train);
  const beforeTest = test > 0 ? Math.round(samples * (train + validation)) : samples;
  const counts = {
    train: validation > 0 ? trainCount : beforeTest,
    validation: validation > 0 ? beforeTest - trainCount : 0,
    test: samples - beforeTest,
  };
  const short = (['train', 'validation', 'test'] as const).find((part) => split[part] > 0 && counts[part] < 1);
  if (short) {
    const enough = unusable + 1 + Math.ceil(1 / Math.min(...[train, validation, test].filter((share) => share > 0)));
    throw new DataInvalidError(
      { file },
      `${rows} rows are too few: ${warmUp} go to the features' warm-up, ${window - 1} to the window and ` +
        `${unusable - first} to the label horizon, which leaves ${samples} samples and none for the ${short} part. ` +
        `Give at least ${enough} rows, or lower the periods, the window or the horizon`,
    );
  }
  const validationFirst = first + counts.train + gapAfterTrain;
  return {
    train: { first, count: counts.train },
    validation: { first: validationFirst, count: counts.validation },
    test: { first: validationFirst + counts.validation + gapBeforeTest, count: counts.test },
  };
}
