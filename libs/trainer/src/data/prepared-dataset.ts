import { createHash } from 'node:crypto';
import type { LabelSpec, TrainingSpec } from '@ktrdr/specs';
import { type FeatureColumn, toFeatureColumn } from '../features/feature-column.js';
import { priceColumnOf, readSource } from './data-source.js';
import { DataInvalidError } from './errors.js';
import { type PriceSeries, parsePriceSeries } from './price-series.js';
import { planSamples, type SampleRange } from './sample-plan.js';
import { fitScaling, type Scaling } from './scaling.js';

/** One part of the split, oldest sample first. */
export interface DatasetPart {
  readonly count: number;
  /** [count, window, features] row-major. */
  readonly inputs: Float32Array;
  /** [count], 0 or 1. */
  readonly labels: Float32Array;
  /** Day of the first and of the last sample, as written in the file; empty when the part is. */
  readonly firstDate: string;
  readonly lastDate: string;
}

/** All numbers that training needs, finite and a function of the spec and the file's bytes alone. */
export interface PreparedDataset {
  readonly featureNames: readonly string[];
  readonly window: number;
  readonly train: DatasetPart;
  readonly validation: DatasetPart;
  readonly test: DatasetPart;
  /** SHA-256 (hex) of the raw data bytes. */
  readonly fingerprint: string;
  /** Rows of the file, those included that no sample uses. */
  readonly rows: number;
  readonly source: string;
}

/**
 * The largest feature value that training can be given. Scaling divides by 1e-12 at least, so what passes stays below
 * 1e24 and within float32.
 */
const LARGEST_FEATURE = 1e12;
const MAX_INPUT_NUMBERS = 2 ** 29;

/**
 * Reads the data and makes samples of it: features, labels, chronological parts, scaling fitted on the training part.
 * `dataFile` is the local CSV file, or null for a built-in dataset.
 * Throws DataNotFoundError and DataInvalidError.
 */
export async function prepareDataset(spec: TrainingSpec, dataFile: string | null): Promise<PreparedDataset> {
  const { source } = spec.data;
  const bytes = await readSource(spec.data, dataFile);
  const series = parsePriceSeries(bytes, {
    file: source,
    dateColumn: spec.data.date_column,
    priceColumn: priceColumnOf(spec.data),
  });
  const features = spec.features.map((feature) => toFeatureColumn(feature, series.prices));
  const { window, split } = spec;
  const plan = planSamples({
    file: source,
    rows: series.prices.length,
    warmUp: Math.max(...features.map(({ warmUp }) => warmUp)),
    window,
    horizon: spec.label.horizon,
    split,
  });
  assertFits(source, (plan.train.count + plan.validation.count + plan.test.count) * window * features.length);
  for (const feature of features) assertUsable(source, feature, series);

  const trainRows = { first: plan.train.first - window + 1, end: plan.train.first + plan.train.count };
  const scalings = features.map((feature) => fitScaling(spec.normalization, feature, trainRows));
  const part = (range: SampleRange): DatasetPart => ({
    count: range.count,
    inputs: toInputs(features, scalings, { range, window }),
    labels: toLabels(series.prices, spec.label, range),
    firstDate: (range.count > 0 && series.dates[range.first]) || '',
    lastDate: (range.count > 0 && series.dates[range.first + range.count - 1]) || '',
  });
  return {
    featureNames: features.map(({ name }) => name),
    window,
    train: part(plan.train),
    validation: part(plan.validation),
    test: part(plan.test),
    fingerprint: createHash('sha256').update(bytes).digest('hex'),
    rows: series.prices.length,
    source,
  };
}

function toInputs(
  features: readonly FeatureColumn[],
  scalings: readonly Scaling[],
  { range, window }: { readonly range: SampleRange; readonly window: number },
): Float32Array {
  const width = features.length;
  const inputs = new Float32Array(range.count * window * width);
  features.forEach(({ values }, index) => {
    const { offset, divisor } = scalings[index] ?? { offset: 0, divisor: 1 };
    for (let sample = 0; sample < range.count; sample += 1) {
      const oldest = range.first + sample - window + 1;
      for (let day = 0; day < window; day += 1) {
        const value = values[oldest + day] as number;
        inputs[(sample * window + day) * width + index] = (value - offset) / divisor;
      }
    }
  });
  return inputs;
}

function toLabels(
  prices: Float64Array,
  { horizon, threshold }: LabelSpec,
  { first, count }: SampleRange,
): Float32Array {
  const labels = new Float32Array(count);
  for (let sample = 0; sample < count; sample += 1) {
    const [today, later] = [prices[first + sample] as number, prices[first + sample + horizon] as number];
    labels[sample] = later > today * (1 + threshold) ? 1 : 0;
  }
  return labels;
}

function assertUsable(file: string, { name, values, warmUp }: FeatureColumn, { lines }: PriceSeries): void {
  const row = values.findIndex((value, index) => index >= warmUp && !(Math.abs(value) <= LARGEST_FEATURE));
  if (row < 0) return;
  throw new DataInvalidError(
    { file, row: lines[row] as number },
    `the feature ${name} is ${values[row] as number} there, which cannot be trained on; ` +
      'correct the price of this row or of those before it, or change the feature',
  );
}

function assertFits(file: string, numbers: number): void {
  if (numbers <= MAX_INPUT_NUMBERS) return;
  const gibibytes = ((numbers * Float32Array.BYTES_PER_ELEMENT) / 2 ** 30).toFixed(1);
  throw new DataInvalidError(
    { file },
    `the samples would take ${gibibytes} GiB, and 2 GiB is the limit; lower the window or the number of features`,
  );
}
