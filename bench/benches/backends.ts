import { TrainingSpec } from '@ktrdr/specs';
import { chooseBackend, findBackends, type FoundBackend, modelSize, prepareDataset, TrainingRun } from '@ktrdr/trainer';
import type { Bench } from '../bench.js';
import { beside } from '../beside.js';
import type { Measured } from '../figure.js';
import { DATA_FILE } from '../training-state.js';

const NATIVE = 'tfjs-node';
const WASM = { name: 'WASM', backend: 'wasm' } as const;
const TRAINING = { version: 1, data: { source: 'dataset:sp500' }, epochs: 100_000, seed: 1 };
const FEATURES = [1, 2, 3, 5, 8, 13, 21, 34].map((period) => ({ kind: 'return', period }));

const dense = (units: number) => ({ kind: 'dense', units, activation: 'relu' });

/** Those that native TensorFlow is for, with the steps of one sample. */
const LARGE = [
  { name: 'dense 1,024 × 3', steps: 4, spec: { model: { layers: [1024, 1024, 1024].map(dense) } } },
  { name: 'LSTM 256 over 20 days', steps: 3, spec: { window: 20, model: { layers: [{ kind: 'lstm', units: 256 }] } } },
];
/** The model of examples/strategies/sp500-direction.yaml, on as many features. */
const QUICKSTART = {
  features: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((period) => ({ kind: 'return', period })),
  batch_size: 32,
  model: {
    layers: [
      dense(64),
      { kind: 'batch-norm' },
      { kind: 'dropout', rate: 0.2 },
      dense(32),
      { kind: 'dropout', rate: 0.2 },
    ],
  },
};
const QUICKSTART_STEPS = 200;

/** A run of its own; what a step of it takes, in milliseconds, over so many. */
async function givenSteps(found: readonly FoundBackend[], document: object, steps: number) {
  const spec = TrainingSpec.parse({ ...TRAINING, features: FEATURES, batch_size: 64, ...document });
  const dataset = await prepareDataset(spec, DATA_FILE);
  const { layers } = spec.model;
  const shape = { layers, window: dataset.window, features: dataset.featureNames.length, batchSize: spec.batch_size };
  const activate = () =>
    chooseBackend(found, {
      requested: spec.backend,
      checkpoint: null,
      size: modelSize(shape),
      tryModel: () => undefined,
    });
  const backend = await activate();
  const run = new TrainingRun({ spec, specSha256: 'a'.repeat(64), dataset, backend });
  const stepMs = async (): Promise<number> => {
    await activate();
    const startedAt = performance.now();
    for (let n = 0; n < steps; n += 1) {
      if (run.isEpochDue) await run.closeEpoch(() => true);
      run.step();
    }
    return (performance.now() - startedAt) / steps;
  };
  return { backend, stepMs, dispose: () => run.dispose() };
}

async function compare(
  found: readonly FoundBackend[],
  { figure, steps, spec, own, limit }: { figure: string; steps: number; spec: object; own: string; limit: number },
) {
  const ours = await givenSteps(found, { ...spec, backend: own }, steps);
  const wasm = await givenSteps(found, { ...spec, backend: WASM.backend }, steps);
  const measured = await beside({ own: ours.stepMs, reference: wasm.stepMs });
  ours.dispose();
  wasm.dispose();
  const { backend } = ours;
  const result: Measured = {
    figure,
    value: measured.own,
    unit: 'ms',
    reference: { name: WASM.name, value: measured.reference },
    bar: { of: 'ratio', is: '<=', limit },
  };
  return { backend, result };
}

/** A step of native TensorFlow beside one of WASM, and whether `auto` leaves a small model where it is fastest. */
export const backends: Bench = {
  name: 'backends',
  async run({ say }) {
    const found = await findBackends();
    const native = found.find(({ name }) => name === NATIVE);
    if (native?.usable !== true) say(`${NATIVE} is not measured: ${native?.problem}`);
    const figures: Measured[] = [
      {
        figure: 'native TensorFlow is built (1: yes)',
        value: native?.usable ? 1 : 0,
        unit: '',
        bar: { of: 'value', is: '==', limit: 1 },
      },
    ];
    for (const { name, steps, spec } of native?.usable ? LARGE : []) {
      const { backend, result } = await compare(found, { figure: name, steps, spec, own: NATIVE, limit: 1 / 8 });
      say(`${name} on ${backend.name} ${backend.version}`);
      figures.push({ ...result, figure: `a step, native, ${name}` });
    }
    const auto = { figure: 'a step, auto, the model of the quickstart', steps: QUICKSTART_STEPS, spec: QUICKSTART };
    const { backend, result } = await compare(found, { ...auto, own: 'auto', limit: 1.1 });
    say(`the model of the quickstart on ${backend.name}: ${backend.reason}`);
    return [...figures, result];
  },
};
