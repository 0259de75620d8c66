import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrainingSpec } from '@ktrdr/specs';
import { chooseBackend, findBackends, prepareDataset, type RunSetup, TrainingRun } from '@ktrdr/trainer';
import { trainingSpec } from './operations.js';

export const MEGABYTE = 1_000_000;
export const DATA_FILE = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  'vega-datasets',
  'data',
  'sp500-2000.csv',
);

/** Units of two hidden layers whose weights take so many bytes together with Adam's two moments, as float32. */
function hiddenFor(stateBytes: number): number[] {
  const units = Math.round(Math.sqrt(stateBytes / 3 / 4));
  return [units, units];
}

/** A real training run on WebAssembly, one step old, with a state of that size. */
export async function givenRun(stateBytes: number): Promise<Readonly<{ setup: RunSetup; run: TrainingRun }>> {
  const spec = TrainingSpec.parse(trainingSpec({ hidden: hiddenFor(stateBytes), seed: 1 }));
  const backend = await chooseBackend(await findBackends(), {
    requested: 'wasm',
    checkpoint: null,
    tryModel: () => undefined,
  });
  const setup = { spec, specSha256: 'a'.repeat(64), dataset: await prepareDataset(spec, DATA_FILE), backend };
  const run = new TrainingRun(setup);
  run.step();
  return { setup, run };
}

/** What a manifest says about a checkpoint that belongs to nobody. */
export const POSITION = {
  operation_id: 'op_training_20261122_101500_bench',
  checkpoint_id: 'bench',
  kind: 'periodic',
  step: 1,
  epoch: 0,
  spec_sha256: 'a'.repeat(64),
  data_fingerprint: 'b'.repeat(64),
  trainer: { name: 'bench', version: '1' },
  backend: { name: 'wasm', version: '1' },
  metrics: {},
  parent_id: null,
} as const;

/** Does something in a folder of its own, on the disk that temporary folders are on. */
export async function inFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'ktrdr-bench-state-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
