import { TrainingSpec } from '@ktrdr/specs';
import type { DatasetPart, PreparedDataset } from '../data/prepared-dataset.js';
import { keyedRandom, type Xoshiro128 } from '../keyed-random.js';

function part(count: number, width: number, random: Xoshiro128): DatasetPart {
  const inputs = Float32Array.from({ length: count * width }, () => random.nextFloat() * 2 - 1);
  const labels = Float32Array.from({ length: count }, (_, sample) => {
    const own = inputs.subarray(sample * width, (sample + 1) * width);
    return own.reduce((sum, value) => sum + value, 0) + random.nextFloat() > 0.5 ? 1 : 0;
  });
  return { count, inputs, labels, firstDate: '2000-01-03', lastDate: '2000-12-29' };
}

/** A learnable set of a few dozen samples. The same arguments give the same numbers. */
export function tinyDataset({ window = 1, features = 3, train = 22, validation = 9, test = 9 } = {}): PreparedDataset {
  const random = keyedRandom(7, 'initial-weights', 'tiny-dataset');
  const width = window * features;
  return {
    featureNames: Array.from({ length: features }, (_, index) => `feature_${index}`),
    window,
    train: part(train, width, random),
    validation: part(validation, width, random),
    test: part(test, width, random),
    fingerprint: 'f'.repeat(64),
    rows: train + validation + test,
    source: 'tiny',
  };
}

/** A spec with the defaults filled in; only its model, its training and its seed matter to a prepared dataset. */
export function tinySpec(changes: Readonly<Record<string, unknown>> = {}): TrainingSpec {
  return TrainingSpec.parse({
    version: 1,
    data: { source: 'dataset:sp500' },
    features: [{ kind: 'return' }],
    model: { layers: [{ kind: 'dense', units: 4 }] },
    epochs: 3,
    batch_size: 8,
    seed: 42,
    ...changes,
  });
}
