import type { BackendName } from '@ktrdr/specs';
import { prepareDataset, type PreparedDataset } from './data/prepared-dataset.js';
import { assertContinues } from './state/restore-point.js';
import { decodeSafetensors } from './state/safetensors.js';
import { chooseBackend } from './tensorflow/choose-backend.js';
import { findBackends } from './tensorflow/find-backends.js';
import type { FoundBackend } from './tensorflow/found-backend.js';
import { toRestored } from './testing/captured-bytes.js';
import { advance } from './testing/interrupted-run.js';
import { TESTED_BACKENDS } from './testing/tested-backends.js';
import { tinySpec } from './testing/tiny-dataset.js';
import { type RestoredState, type RunSetup, TrainingRun } from './training-run.js';

/** A tenth of the days: CPU is slow. */
const SPLIT = { train: 0.1, validation: 0.05, test: 0.85 };
const FEATURES = [{ kind: 'return' }, { kind: 'rsi' }, { kind: 'sma-ratio' }, { kind: 'macd' }];
const MODELS = {
  'dense, Adam': {
    batch_size: 32,
    optimizer: { kind: 'adam', learning_rate: 0.003 },
    layers: [
      { kind: 'dense', units: 16 },
      { kind: 'dropout', rate: 0.2 },
      { kind: 'dense', units: 8 },
    ],
  },
  'dense with batch norm, momentum': {
    batch_size: 32,
    optimizer: { kind: 'momentum', learning_rate: 0.01 },
    layers: [{ kind: 'dense', units: 16 }, { kind: 'batch-norm' }, { kind: 'dense', units: 8 }],
  },
  'LSTM, RMSProp': {
    batch_size: 64,
    window: 4,
    optimizer: { kind: 'rmsprop', learning_rate: 0.001 },
    layers: [
      { kind: 'lstm', units: 6 },
      { kind: 'dense', units: 8 },
    ],
  },
} as const;
/** Each tested backend with each other, both ways. */
const PAIRS = TESTED_BACKENDS.flatMap((from) =>
  TESTED_BACKENDS.filter((to) => to !== from).map((to) => [from, to] as const),
);
/** Before the change, and after it. */
const EPOCHS = { before: 1, after: 2 };
/** Largest difference of any weight from a run that stayed. What is measured is printed; README tells it. */
const TOLERANCE = 1e-5;

let loaded: readonly FoundBackend[];
let measured = '';

beforeAll(async () => {
  loaded = await findBackends();
});
afterAll(() =>
  process.stdout.write(`largest weight difference after ${EPOCHS.after} epochs on another backend:\n${measured}`),
);

async function activate(name: BackendName): Promise<RunSetup['backend']> {
  return chooseBackend(loaded, { requested: name, checkpoint: null, tryModel: () => undefined });
}

async function trained(setup: RunSetup, from: RestoredState | null, epochs: number): Promise<RestoredState> {
  await activate(setup.backend.name);
  const run = new TrainingRun(setup, from);
  try {
    await advance(run, () => run.position.epoch >= epochs);
    return toRestored(run.capture());
  } finally {
    run.dispose();
  }
}

function largestDifference(a: RestoredState, b: RestoredState): number {
  const [left, right] = [a, b].map(({ weights }) => decodeSafetensors(weights, 'weights.safetensors'));
  let largest = 0;
  for (const [name, { data }] of left!) {
    const other = right!.get(name)!.data;
    data.forEach((value, index) => (largest = Math.max(largest, Math.abs(value - other[index]!))));
  }
  return largest;
}

describe.each(Object.entries(MODELS))('%s', (name, { layers, ...changes }) => {
  let dataset: PreparedDataset;
  const spec = tinySpec({
    ...changes,
    features: FEATURES,
    split: SPLIT,
    model: { layers },
    epochs: EPOCHS.before + EPOCHS.after,
  });
  const setupOn = async (backend: BackendName): Promise<RunSetup> => ({
    spec,
    specSha256: 'a'.repeat(64),
    dataset,
    backend: await activate(backend),
  });
  beforeAll(async () => {
    dataset = await prepareDataset(spec, null);
  });

  it.each(PAIRS)('saved on %s and continued on %s stays within the tolerance of one that stayed', async (from, to) => {
    const stayed = await setupOn(from);
    const saved = await trained(stayed, null, EPOCHS.before);
    const whole = await trained(stayed, saved, spec.epochs);
    const moved = await setupOn(to);
    expect(() => assertContinues(saved, moved)).toThrow('with a change of backend allowed');
    assertContinues(saved, moved, { allowBackendChange: true });
    const unchanged = await trained(moved, saved, EPOCHS.before);
    expect(largestDifference(unchanged, saved)).toBe(0);
    const difference = largestDifference(await trained(moved, saved, spec.epochs), whole);
    measured += `  ${name}: ${from} → ${to} ${difference.toExponential(1)}\n`;
    expect(difference).toBeGreaterThan(0); // or it would not have to be asked for
    expect(difference).toBeLessThan(TOLERANCE);
  });

  it.each(PAIRS)('moved from %s to %s and back is restored bit for bit each time', async (from, to) => {
    const there = await setupOn(to);
    const saved = await trained(await setupOn(from), null, EPOCHS.before);
    const over = await trained(there, saved, EPOCHS.before);
    const back = await trained(await setupOn(from), over, EPOCHS.before);
    expect(Buffer.from(back.weights).equals(Buffer.from(saved.weights))).toBe(true);
    expect(Buffer.from(back.optimizer).equals(Buffer.from(saved.optimizer))).toBe(true);
  });
});
