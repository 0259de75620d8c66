import { TrainingSpec } from '@ktrdr/specs';
import { prepareDataset } from './data/prepared-dataset.js';
import { chooseBackend } from './tensorflow/choose-backend.js';
import type { FoundBackend } from './tensorflow/found-backend.js';
import { decodeState } from './state/training-state.js';
import { type CapturedState, type RestoredState, type RunSetup, TrainingRun } from './training-run.js';

/** Every kind of feature and layer costs its first use; these are the usual ones. */
const SPEC = {
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [
    { kind: 'return', period: 1 },
    { kind: 'rsi', period: 14 },
    { kind: 'sma-ratio', period: 20 },
  ],
  model: {
    layers: [
      { kind: 'dense', units: 16, activation: 'relu' },
      { kind: 'dropout', rate: 0.1 },
    ],
  },
  epochs: 1,
};
const STEPS = 3;
/** The first one is interpreted, the second finds most of it compiled. */
const ROUNDS = 2;

/**
 * Trains a throw-away model for a few steps, captures it and goes on from there, as a resume does, so that the engine
 * has compiled all this before an operation waits for it. Leaves nothing behind: whatever an operation computes follows
 * from its own spec.
 * @throws {DomainError} when the built-in data or a backend is missing.
 */
export async function rehearse(backends: readonly FoundBackend[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const spec = TrainingSpec.parse(SPEC);
    const dataset = await prepareDataset(spec, null);
    const backend = await chooseBackend(backends, { requested: 'auto', checkpoint: null, tryModel: () => undefined });
    const setup: RunSetup = { spec, specSha256: '', dataset, backend };
    const captured = stepsOf(new TrainingRun(setup));
    stepsOf(new TrainingRun(setup, restoredFrom(captured)));
  }
}

function stepsOf(run: TrainingRun): CapturedState {
  try {
    for (let n = 0; n < STEPS; n += 1) run.step();
    return run.capture();
  } finally {
    run.dispose();
  }
}

function restoredFrom({ files }: CapturedState): RestoredState {
  const bytesOf = (name: string): Uint8Array => {
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new Error(`a captured state has no ${name}`);
    return Buffer.concat(file.chunks());
  };
  return {
    state: decodeState(bytesOf('state.json')),
    weights: bytesOf('weights.safetensors'),
    optimizer: bytesOf('optimizer.safetensors'),
    best: null,
  };
}
