import type { TrainingSpec } from '@ktrdr/specs';
import type { PreparedDataset } from '../data/prepared-dataset.js';
import { Network } from './network.js';

interface NetworkSetup {
  readonly spec: TrainingSpec;
  readonly dataset: PreparedDataset;
}

/** A model of the setup on the active backend, with its first weights, or blank because others are going to be assigned. */
export function newNetwork({ spec, dataset }: NetworkSetup, { isBlank = false } = {}): Network {
  return new Network({
    layers: spec.model.layers,
    window: dataset.window,
    features: dataset.featureNames.length,
    seed: spec.seed,
    isBlank,
  });
}
