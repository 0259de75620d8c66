import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendName, TrainingSpec } from '@ktrdr/specs';
import { parse } from 'yaml';
import { prepareDataset } from './data/prepared-dataset.js';
import { keyedRandom } from './keyed-random.js';
import { chooseBackend } from './tensorflow/choose-backend.js';
import { findBackends } from './tensorflow/find-backends.js';
import { interrupted, uninterrupted } from './testing/interrupted-run.js';
import { TESTED_NATIVE } from './testing/tested-backends.js';
import type { RunSetup } from './training-run.js';

const FOLDER = join(import.meta.dirname, '../../../examples/strategies');
const STRATEGIES = ['sp500-direction', 'sp500-momentum-sgd', 'sp500-lstm'];
const INTERRUPTIONS = 8;

/** Whole on native TensorFlow, which runs where somebody asks for it; elsewhere one epoch. */
const EPOCHS: ReadonlyMap<BackendName, number> = new Map([
  ['wasm', 1],
  ...TESTED_NATIVE.map((name) => [name, Infinity] as const),
]);

async function setupOf(strategy: string, backend: BackendName): Promise<RunSetup> {
  const document = parse(readFileSync(join(FOLDER, `${strategy}.yaml`), 'utf8')) as Record<string, unknown>;
  const { name: _, labels: __, ...fields } = document;
  const spec = TrainingSpec.parse(fields);
  const epochs = Math.min(spec.epochs, EPOCHS.get(backend) ?? 1);
  const found = await findBackends();
  return {
    spec: { ...spec, epochs },
    specSha256: 'a'.repeat(64),
    dataset: await prepareDataset(spec, null),
    backend: await chooseBackend(found, { requested: backend, checkpoint: null, tryModel: () => undefined }),
  };
}

describe.each([...EPOCHS.keys()])('the example strategies on %s', (backend) => {
  it.each(STRATEGIES)(`end bit-equal after ${INTERRUPTIONS} interruptions: %s`, async (strategy) => {
    const setup = await setupOf(strategy, backend);
    const whole = await uninterrupted(setup);
    const mean = Math.floor(whole.result.steps / (2 * INTERRUPTIONS));
    const pieces = await interrupted(setup, keyedRandom(4, 'shuffle', strategy), { mean, most: INTERRUPTIONS });
    expect(pieces.interruptions).toBe(INTERRUPTIONS);
    expect(pieces.result).toEqual(whole.result);
    expect(pieces.digests).toEqual(whole.digests);
  });
});
