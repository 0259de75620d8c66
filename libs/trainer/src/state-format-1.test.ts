import * as tf from '@tensorflow/tfjs-core';
import { findBackends } from './tensorflow/find-backends.js';
import { toRestored } from './testing/captured-bytes.js';
import { advance, uninterrupted } from './testing/interrupted-run.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { type RunSetup, TrainingRun } from './training-run.js';
import { decodeState, encodeState, type TrainingState } from './training-state.js';

const SETUP: RunSetup = {
  spec: tinySpec({ schedule: { kind: 'plateau', patience: 1, min_delta: 10 } }),
  specSha256: 'a'.repeat(64),
  dataset: tinyDataset({ train: 21 }), // 8, 8, 5: a number that three batches of 7 would have too
  backend: { name: 'cpu', version: '4.22.0' },
};

/** The same state as a trainer that wrote format 1 would have put it. */
function asFormat1(state: TrainingState): Uint8Array {
  const { position, epoch_so_far: sums, schedule, history } = state;
  const format1 = {
    ...state,
    format_version: 1,
    position: { step: position.step, epoch: position.epoch, batch: Math.ceil(position.samples / 8) },
    epoch_so_far: {
      loss_sum: sums.loss_sum,
      correct: sums.correct,
      examples: position.samples,
      samples_sha256: sums.samples_sha256,
    },
    schedule: { plateau_rate: schedule.plateau_rate, plateau: schedule.plateau },
    history: history.map(({ batches: _, ...record }) => record),
  };
  return encodeState(format1 as unknown as TrainingState);
}

beforeAll(async () => {
  await findBackends();
  await tf.setBackend('cpu');
});

it.each([
  ['before the first step', 0, false],
  ['after the first batch', 1, false],
  ['in the middle of an epoch', 5, false],
  ['at its end, before the validation', 6, false],
  ['between two epochs', 6, true],
])('a state of format 1 %s is read as what it was', async (_, step, isClosed) => {
  const run = new TrainingRun(SETUP);
  await advance(run, () => run.position.step === step && (!isClosed || run.position.samples === 0));
  const restored = toRestored(run.capture());
  run.dispose();
  const state = decodeState(asFormat1(restored.state));
  expect(state).toEqual({
    ...restored.state,
    history: restored.state.history.map((record) => ({ ...record, batches: null })),
  });
  const whole = await uninterrupted(SETUP);
  expect((await uninterrupted(SETUP, { ...restored, state })).result).toEqual(whole.result);
});

it.each([
  [{ format_version: 1 }, 'checkpoint-corrupted'],
  [{ format_version: 3 }, 'checkpoint-incompatible'],
  [{}, 'checkpoint-incompatible'],
])('%j is refused', (document, code) => {
  expect(() => decodeState(Buffer.from(JSON.stringify(document)))).toThrow(expect.objectContaining({ code }));
});
