import { createHash } from 'node:crypto';
import { TrainingSpec } from '@ktrdr/specs';
import { DomainError } from '@ktrdr/errors';
import {
  type Backend,
  chooseBackend,
  decodeSafetensors,
  findBackends,
  type FoundBackend,
  type NativeName,
  prepareDataset,
  TrainingRun,
} from '@ktrdr/trainer';

/** What was found; as JSON, the last line that this program writes. */
export type SelfCheck = Readonly<{
  version: string;
  /** Largest difference of a weight from WASM's after one step. */
  difference: number;
  /** SHA-256 of the weights of runs that are the same. */
  runs: readonly string[];
}>;

const RUNS = 3;
const STEPS = 20;

/** Dense, LSTM, batch-norm and dropout, with products of the size that native TensorFlow is for. */
const SPEC = {
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return' }, { kind: 'rsi' }, { kind: 'sma-ratio' }],
  window: 8,
  model: {
    layers: [
      { kind: 'lstm', units: 64 },
      { kind: 'batch-norm' },
      { kind: 'dropout', rate: 0.2 },
      { kind: 'dense', units: 128 },
    ],
  },
  epochs: 1,
  batch_size: 256,
  seed: 1,
};
/** Adam would make a step of full size of a difference in the last bit. */
const SGD = { kind: 'sgd', learning_rate: 0.1 };

async function weightsAfter(steps: number, backend: Backend, changes: object): Promise<Uint8Array> {
  const spec = TrainingSpec.parse({ ...SPEC, ...changes, backend: backend.name });
  const dataset = await prepareDataset(spec, null);
  const run = new TrainingRun({ spec, specSha256: '', dataset, backend });
  try {
    for (let n = 0; n < steps && !run.isEpochDue; n += 1) run.step();
    const file = run.capture().files.find(({ name }) => name === 'weights.safetensors');
    return Buffer.concat(file?.chunks() ?? []);
  } finally {
    run.dispose();
  }
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  const other = decodeSafetensors(b, 'weights.safetensors');
  let largest = 0;
  for (const [name, { data }] of decodeSafetensors(a, 'weights.safetensors'))
    for (const [index, value] of data.entries())
      largest = Math.max(largest, Math.abs(value - (other.get(name)?.data[index] ?? NaN)));
  return largest;
}

/** Trains on the native backend, beside WASM and beside itself. */
async function selfCheck(name: NativeName): Promise<SelfCheck> {
  const found: readonly FoundBackend[] = await findBackends();
  const on = (requested: NativeName | 'wasm') =>
    chooseBackend(found, { requested, checkpoint: null, tryModel: () => undefined });
  const reference = await weightsAfter(1, await on('wasm'), { optimizer: SGD });
  const backend = await on(name);
  const difference = largestDifference(await weightsAfter(1, backend, { optimizer: SGD }), reference);
  const runs: string[] = [];
  while (runs.length < RUNS)
    runs.push(
      createHash('sha256')
        .update(await weightsAfter(STEPS, backend, {}))
        .digest('hex'),
    );
  return { version: backend.version, difference, runs };
}

try {
  console.log(JSON.stringify(await selfCheck(process.argv[2] as NativeName)));
} catch (error) {
  console.error(error instanceof DomainError ? error.message : error);
  process.exitCode = 1;
}
