import type { BackendName } from '@ktrdr/specs';
import * as tf from '@tensorflow/tfjs-core';
import { keyedRandom } from './keyed-random.js';
import { type Backend, chooseBackend } from './tensorflow/choose-backend.js';
import { findBackends } from './tensorflow/find-backends.js';
import { toRestored } from './testing/captured-bytes.js';
import { advance, interrupted, uninterrupted } from './testing/interrupted-run.js';
import { TESTED_BACKENDS } from './testing/tested-backends.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { type RunSetup, TrainingRun } from './training-run.js';

const MLP = [
  { kind: 'dense', units: 6, activation: 'relu', l2: 0.01 },
  { kind: 'batch-norm', momentum: 0.9 },
  { kind: 'dropout', rate: 0.3 },
  { kind: 'dense', units: 4, activation: 'elu' },
];
const LSTM = [
  { kind: 'lstm', units: 4, return_sequences: true },
  { kind: 'dropout', rate: 0.2 },
  { kind: 'lstm', units: 3 },
];
const PLATEAU = { kind: 'plateau', patience: 1, factor: 0.5, min_delta: 0.05 };
const ADAM = { kind: 'adam', learning_rate: 0.02 };
const CASES: readonly (readonly [string, Record<string, unknown>])[] = [
  ['sgd, constant', { model: { layers: MLP }, optimizer: { kind: 'sgd', learning_rate: 0.1 } }],
  [
    'momentum, step schedule',
    { model: { layers: MLP }, optimizer: { kind: 'momentum' }, schedule: { kind: 'step', every_epochs: 1 } },
  ],
  [
    'nesterov, cosine',
    { model: { layers: MLP }, optimizer: { kind: 'momentum', nesterov: true }, schedule: { kind: 'cosine' } },
  ],
  ['rmsprop, plateau', { model: { layers: MLP }, optimizer: { kind: 'rmsprop' }, schedule: PLATEAU, epochs: 5 }],
  ['adam', { model: { layers: MLP }, optimizer: ADAM, epochs: 5 }],
  [
    'adam, plateau, early stopping',
    {
      model: { layers: MLP },
      optimizer: ADAM,
      schedule: PLATEAU,
      early_stopping: { patience: 2, min_delta: 0.02 },
      epochs: 12,
    },
  ],
  ['lstm, adam', { model: { layers: LSTM }, optimizer: ADAM, window: 3 }],
];

function setupOf(backend: BackendName, changes: Record<string, unknown>): RunSetup {
  const spec = tinySpec(changes);
  return {
    spec,
    specSha256: 'a'.repeat(64),
    dataset: tinyDataset({ window: spec.window }),
    backend: { name: backend, version: '4.22.0' },
  };
}

let found: Awaited<ReturnType<typeof findBackends>>;

beforeAll(async () => {
  found = await findBackends();
});

function activate(requested: BackendName): Promise<Backend> {
  return chooseBackend(found, { requested, checkpoint: null, tryModel: () => undefined });
}

describe.each(TESTED_BACKENDS)('a training run on %s', (backend) => {
  beforeEach(async () => {
    await activate(backend);
  });

  it.each(CASES)('ends bit-equal however often it is interrupted: %s', async (name, changes) => {
    const setup = setupOf(backend, changes);
    const whole = await uninterrupted(setup);
    const pieces = await interrupted(setup, keyedRandom(1, 'shuffle', name));
    expect(pieces.interruptions).toBeGreaterThan(2);
    expect(pieces.result).toEqual(whole.result);
    expect(pieces.digests).toEqual(whole.digests);
  });

  it.each([0, 1, 8])('ends bit-equal after %i interruptions at places drawn at random', async (count) => {
    const setup = setupOf(backend, { model: { layers: MLP }, optimizer: ADAM, epochs: 5 });
    const whole = await uninterrupted(setup);
    const pieces = await interrupted(setup, keyedRandom(2, 'shuffle', `${count}`), { mean: 2, most: count });
    expect(pieces.interruptions).toBe(count);
    expect(pieces.digests).toEqual(whole.digests);
  });

  it('keeps the number of tensors over a step, an epoch end, a capture and a restore', async () => {
    const setup = setupOf(backend, { model: { layers: MLP }, optimizer: ADAM });
    const before = tf.memory().numTensors;
    const run = new TrainingRun(setup);
    const alive = tf.memory().numTensors;
    run.step();
    expect(tf.memory().numTensors).toBe(alive);
    await advance(run);
    const captured = run.capture();
    await run.result();
    expect(tf.memory().numTensors).toBe(alive);
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const restored = new TrainingRun(setup, toRestored(captured));
    expect(tf.memory().numTensors).toBe(alive);
    restored.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a run that goes wrong or ends early', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('fails on a loss that is not a number, naming the step, and does not update the weights', () => {
    const setup = setupOf('cpu', { optimizer: { kind: 'sgd' } });
    setup.dataset.train.inputs.fill(NaN);
    const run = new TrainingRun(setup);
    const weights = Buffer.from(toRestored(run.capture()).weights);
    expect(() => run.step()).toThrow(
      expect.objectContaining({
        code: 'training-diverged',
        details: expect.objectContaining({ step: 0, value: 'NaN' }),
      }),
    );
    expect(run.position.step).toBe(0);
    expect(Buffer.from(toRestored(run.capture()).weights).equals(weights)).toBe(true);
    run.dispose();
  });

  it('fails at the end of an epoch whose last update broke a weight', async () => {
    const setup = setupOf('cpu', { optimizer: { kind: 'sgd', learning_rate: 100 }, batch_size: 22 });
    setup.dataset.train.inputs.fill(3e38);
    const run = new TrainingRun(setup);
    await expect(advance(run)).rejects.toMatchObject({ code: 'training-diverged' });
    expect(run.isFinished).toBe(false);
    run.dispose();
  });

  it('stops early after the patience, keeps the best weights, and judges the test part with them', async () => {
    const changes = { optimizer: ADAM, early_stopping: { patience: 2, min_delta: 0.5 }, epochs: 50 };
    const { result, digests } = await uninterrupted(setupOf('cpu', changes));
    expect(result).toMatchObject({ stopped_early: true, epochs_run: 3, steps: 9, test: { weights: 'best', count: 9 } });
    expect(result.best_weights_sha256).toBe(digests['best.safetensors']);
    expect(result.weights_sha256).toBe(digests['weights.safetensors']);
  });

  it('keeps the best weights as they were, not as the live ones become', async () => {
    const setup = setupOf('cpu', { optimizer: ADAM, epochs: 6 });
    setup.dataset.validation.labels.forEach((label, index, labels) => {
      labels[index] = 1 - label; // what is learned makes the validation worse
    });
    const run = new TrainingRun(setup);
    let best: Uint8Array | null = null;
    while (!run.isFinished) {
      await advance(run, () => run.isEpochDue);
      const weights = toRestored(run.capture()).weights;
      if ((await run.closeEpoch(() => true))?.isBest) best = weights;
    }
    const last = toRestored(run.capture());
    expect(last.best).toEqual(best);
    expect(last.best).not.toEqual(last.weights);
    run.dispose();
  });

  it('watches the training loss when there is no validation part', async () => {
    const setup = { ...setupOf('cpu', {}), dataset: tinyDataset({ validation: 0, test: 0 }) };
    const { result } = await uninterrupted(setup);
    expect(result).toMatchObject({ best: { metric: 'loss' }, test: null, final: { val_loss: null } });
  });

  it('gives a validation up when asked to, and repeats it with the same figures', async () => {
    const setup = setupOf('cpu', {});
    const run = new TrainingRun(setup);
    await advance(run, () => run.isEpochDue);
    const before = run.capture();
    expect(await run.closeEpoch(() => false)).toBeNull();
    expect(toRestored(run.capture())).toEqual(toRestored(before));
    expect(await run.closeEpoch(() => true)).toMatchObject({ record: { epoch: 1, step: 3 } });
    run.dispose();
  });
});

describe.each(TESTED_BACKENDS)('a hundred saves and restores on %s', (backend) => {
  it('leave the number of tensors where it was', async () => {
    await activate(backend);
    const setup = setupOf(backend, { model: { layers: MLP }, optimizer: ADAM });
    const before = tf.memory().numTensors;
    let run = new TrainingRun(setup);
    const alive = tf.memory().numTensors;
    for (let n = 0; n < 100; n += 1) {
      if (run.isEpochDue) await run.closeEpoch(() => true);
      else if (!run.isFinished) run.step();
      const captured = run.capture();
      run.dispose();
      run = new TrainingRun(setup, toRestored(captured));
      expect(tf.memory().numTensors).toBe(alive);
    }
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
