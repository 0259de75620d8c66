import { applyOverrides, type ResumeOverrides } from '@ktrdr/specs';
import * as tf from '@tensorflow/tfjs-core';
import { keyedRandom } from './keyed-random.js';
import { assertContinues } from './state/restore-point.js';
import { findBackends } from './tensorflow/find-backends.js';
import { toRestored } from './testing/captured-bytes.js';
import { advance, interrupted, uninterrupted } from './testing/interrupted-run.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { type RestoredState, type RunSetup, TrainingRun } from './training-run.js';

const MODEL = { layers: [{ kind: 'dense', units: 6 }, { kind: 'batch-norm' }, { kind: 'dropout', rate: 0.3 }] };
const PLATEAU = { kind: 'plateau', patience: 1, factor: 0.5, min_delta: 10 }; // comes down after every epoch but the first
const COUNT = 22; // samples of an epoch: three batches of 8

function setupOf(changes: Record<string, unknown> = {}): RunSetup {
  return {
    spec: tinySpec({ model: MODEL, epochs: 4, ...changes }),
    specSha256: 'a'.repeat(64),
    dataset: tinyDataset({ train: COUNT }),
    backend: { name: 'cpu', version: '4.22.0' },
  };
}

function overridden(setup: RunSetup, overrides: ResumeOverrides): RunSetup {
  return { ...setup, spec: applyOverrides(setup.spec, overrides).spec, specSha256: 'b'.repeat(64) };
}

/** A run of this setup up to a step (its epoch's validation not yet done), as it would be read back. */
async function savedAt(setup: RunSetup, step: number): Promise<RestoredState> {
  const run = new TrainingRun(setup);
  try {
    await advance(run, () => run.position.step >= step);
    return toRestored(run.capture());
  } finally {
    run.dispose();
  }
}

/** Looks at a restored run, then at its end. */
async function resumed<T>(setup: RunSetup, from: RestoredState, look: (run: TrainingRun) => T): Promise<T> {
  const run = new TrainingRun(setup, from);
  try {
    return look(run);
  } finally {
    run.dispose();
  }
}

const rateOf = (run: TrainingRun) => run.capture().metrics['learning_rate'];
const historyOf = async (setup: RunSetup, from: RestoredState) => {
  const run = new TrainingRun(setup, from);
  try {
    await advance(run);
    return { ...toRestored(run.capture()).state, result: await run.result() };
  } finally {
    run.dispose();
  }
};

beforeAll(async () => {
  await findBackends();
  await tf.setBackend('cpu');
});

it('continues a checkpoint whose spec is among the accepted ones, and no other', async () => {
  const from = await savedAt(setupOf(), 2);
  const setup = overridden(setupOf(), { epochs: 5 });
  expect(() => assertContinues(from, setup)).toThrow('spec hash');
  expect(() => assertContinues(from, setup, { acceptedSpecSha256: ['c'.repeat(64)] })).toThrow('spec hash');
  expect(() => assertContinues(from, setup, { acceptedSpecSha256: ['c'.repeat(64), 'a'.repeat(64)] })).not.toThrow();
});

describe.each<readonly [string, Record<string, unknown>, ResumeOverrides]>([
  ['more epochs on a cosine', { schedule: { kind: 'cosine' } }, { epochs: 7 }],
  ['fewer epochs', {}, { epochs: 3 }],
  ['another learning rate on a plateau', { schedule: PLATEAU }, { learning_rate: 0.02 }],
  ['smaller batches', {}, { batch_size: 3 }],
  ['larger batches', {}, { batch_size: 20 }],
  ['early stopping', { epochs: 9 }, { early_stopping: { patience: 2, min_delta: 0.3 } }],
  ['no early stopping', { early_stopping: { patience: 1, min_delta: 10 } }, { early_stopping: null }],
  ['everything', { schedule: PLATEAU }, { epochs: 6, batch_size: 5, learning_rate: 0.003 }],
])('a run resumed with %s', (name, changes, overrides) => {
  it('ends bit-equal however often it is interrupted after that', async () => {
    const before = setupOf(changes);
    const after = overridden(before, overrides);
    for (const step of [1, 3, 5]) {
      const from = await savedAt(before, step);
      const whole = await uninterrupted(after, from);
      const pieces = await interrupted(after, keyedRandom(step, 'shuffle', name), { from });
      expect(pieces.interruptions).toBeGreaterThan(0);
      expect(pieces).toMatchObject({ result: whole.result, digests: whole.digests });
    }
  });
});

describe('the number of epochs', () => {
  it('adds to the steps that are planned, or takes from them', async () => {
    const from = await savedAt(setupOf(), 5);
    expect(await resumed(overridden(setupOf(), { epochs: 6 }), from, (run) => run.steps)).toBe(18);
    expect(await resumed(overridden(setupOf(), { epochs: 2 }), from, (run) => run.steps)).toBe(6);
  });

  it('below what is trained already completes at once with the weights as they are', async () => {
    const from = await savedAt(setupOf(), 8);
    const setup = overridden(setupOf(), { epochs: 1 });
    expect(await resumed(setup, from, (run) => [run.isFinished, run.steps])).toEqual([true, 8]);
    const { result, digests } = await uninterrupted(setup, from);
    expect(result).toMatchObject({ epochs_run: 2, steps: 8, stopped_early: false });
    const unchanged = await resumed(setupOf(), from, (run) => toRestored(run.capture()).weights);
    expect(await resumed(setup, from, (run) => toRestored(run.capture()).weights)).toEqual(unchanged);
    expect(digests['weights.safetensors']).toBe(result.weights_sha256);
  });

  it('gives a cosine the rates of a run planned so from the start', async () => {
    const cosine = { schedule: { kind: 'cosine' }, optimizer: { kind: 'sgd', learning_rate: 0.1 } };
    const planned = (await historyOf(setupOf({ ...cosine, epochs: 8 }), await savedAt(setupOf(cosine), 0))).history;
    const from = await savedAt(setupOf(cosine), 6 + 1);
    const { history } = await historyOf(overridden(setupOf(cosine), { epochs: 8 }), from);
    const rates = (records: typeof history) => records.map(({ learning_rate }) => learning_rate);
    expect(rates(history).slice(2)).toEqual(rates(planned).slice(2));
    expect(history[1]!.learning_rate).toBeLessThan(planned[1]!.learning_rate);
  });

  it('below the present epoch leaves a cosine at its end', async () => {
    const cosine = { schedule: { kind: 'cosine', min_learning_rate: 0.001 } };
    const from = await savedAt(setupOf({ ...cosine, optimizer: { kind: 'sgd', learning_rate: 0.1 } }), 8);
    const setup = overridden(setupOf({ ...cosine, optimizer: { kind: 'sgd', learning_rate: 0.1 } }), { epochs: 1 });
    expect(await resumed(setup, from, rateOf)).toBeCloseTo(0.001, 12);
  });
});

describe('the batch size', () => {
  it.each([
    [3, [8, 3, 3, 3, 3, 2], 5],
    [20, [8, 14], 1],
    [8, [8, 8, 6], 2],
  ])('of %i in the middle of an epoch loses and repeats no sample', async (batch_size, sizes, left) => {
    const from = await savedAt(setupOf(), 1);
    const setup = overridden(setupOf(), { batch_size });
    const perEpoch = Math.ceil(COUNT / batch_size);
    expect(await resumed(setup, from, (run) => run.steps)).toBe(1 + left + 3 * perEpoch);
    const { history, result } = await historyOf(setup, from);
    expect(history[0]!.batches.flatMap(({ size, count }) => Array<number>(count).fill(size))).toEqual(sizes);
    expect(history.map(({ step }) => step)).toEqual([0, 1, 2, 3].map((more) => 1 + left + more * perEpoch));
    expect(result.steps).toBe(1 + left + 3 * perEpoch);
  });

  it('changed when all samples are consumed leaves only the validation of the epoch', async () => {
    const from = await savedAt(setupOf(), 3);
    const setup = overridden(setupOf(), { batch_size: 5 });
    expect(await resumed(setup, from, (run) => [run.isEpochDue, run.steps])).toEqual([true, 3 + 3 * 5]);
  });
});

describe('the learning rate', () => {
  it('takes effect at the next step, on the schedule as it is', async () => {
    const step = { schedule: { kind: 'step', every_epochs: 1, factor: 0.5 } };
    const from = await savedAt(setupOf(step), 5);
    expect(await resumed(setupOf(step), from, rateOf)).toBe(0.0005);
    expect(await resumed(overridden(setupOf(step), { learning_rate: 0.1 }), from, rateOf)).toBe(0.05);
  });

  it('keeps in proportion what a plateau has taken off', async () => {
    const from = await savedAt(setupOf({ schedule: PLATEAU }), 8);
    const setup = setupOf({ schedule: PLATEAU });
    expect(await resumed(setup, from, rateOf)).toBe(0.0005);
    expect(await resumed(overridden(setup, { learning_rate: 0.1 }), from, rateOf)).toBeCloseTo(0.05, 12);
  });
});

describe('early stopping', () => {
  const never = { early_stopping: { patience: 100, min_delta: 10 }, epochs: 8 };

  it('that is new waits from the resume on, with the best epoch so far to beat', async () => {
    const from = await savedAt(setupOf({ epochs: 8 }), 10);
    const setup = overridden(setupOf({ epochs: 8 }), { early_stopping: { patience: 2, min_delta: 10 } });
    const { result, early_stopping } = await historyOf(setup, from);
    expect(result).toMatchObject({ stopped_early: true, epochs_run: 5 });
    expect(early_stopping).toEqual({ best: from.state.best!.value, epochs_without: 2 });
  });

  it('with less patience than it has waited completes at once', async () => {
    const from = await savedAt(setupOf(never), 13); // four epochs, three without improvement
    const setup = overridden(setupOf(never), { early_stopping: { patience: 3, min_delta: 10 } });
    expect(await resumed(setup, from, (run) => run.isFinished)).toBe(true);
    expect((await historyOf(setup, from)).result).toMatchObject({ stopped_early: true, epochs_run: 4 });
  });

  it.each([
    ['more patience', { patience: 4, min_delta: 10 }, 5],
    ['none', null, 8],
  ])('that has ended a run lets it go on with %s', async (_, early_stopping, epochs) => {
    const stopping = { ...never, early_stopping: { patience: 2, min_delta: 10 } };
    const from = await savedAt(setupOf(stopping), 1_000);
    expect(from.state).toMatchObject({ stopped_early: true, position: { epoch: 3 } });
    const setup = overridden(setupOf(stopping), { early_stopping });
    expect((await historyOf(setup, from)).result).toMatchObject({ epochs_run: epochs });
  });
});
