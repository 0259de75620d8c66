import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { writeCheckpointFiles } from '../checkpointing/checkpoint-files.js';
import { assertContinues, readRestorePoint } from './restore-point.js';
import { encodeSafetensors } from './safetensors.js';
import { findBackends } from '../tensorflow/find-backends.js';
import { advance } from '../testing/interrupted-run.js';
import { tinyDataset, tinySpec } from '../testing/tiny-dataset.js';
import { type RunSetup, TrainingRun } from '../training-run.js';
import { decodeState, encodeState } from './training-state.js';

const SETUP: RunSetup = {
  spec: tinySpec(),
  specSha256: 'a'.repeat(64),
  dataset: tinyDataset(),
  backend: { name: 'cpu', version: '4.22.0' },
};

let root: string;
let dir: string;

beforeAll(async () => {
  await findBackends();
  await tf.setBackend('cpu');
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ktrdr-restore-'));
  dir = join(root, 'checkpoint');
  const run = new TrainingRun(SETUP);
  await advance(run, () => run.position.step === 4);
  await writeCheckpointFiles(dir, run.capture().files);
  run.dispose();
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function changeState(change: (state: Record<string, unknown>) => void): Promise<void> {
  const state = JSON.parse(await readFile(join(dir, 'state.json'), 'utf8')) as Record<string, unknown>;
  change(state);
  await writeFile(join(dir, 'state.json'), JSON.stringify(state));
}

async function restore(setup: RunSetup, rules = {}): Promise<void> {
  const restored = await readRestorePoint(dir);
  assertContinues(restored, setup, rules);
  new TrainingRun(setup, restored).dispose();
}

describe('a checkpoint', () => {
  it('continues its own run', async () => {
    await expect(restore(SETUP, { expected: { step: 4, epoch: 1 } })).resolves.toBeUndefined();
  });

  it.each([
    ['another spec', 'checkpoint-incompatible', { ...SETUP, specSha256: 'b'.repeat(64) }],
    ['another seed', 'checkpoint-incompatible', { ...SETUP, spec: tinySpec({ seed: 1 }) }],
    ['other data', 'data-changed', { ...SETUP, dataset: { ...SETUP.dataset, fingerprint: 'e'.repeat(64) } }],
    ['another backend', 'checkpoint-incompatible', { ...SETUP, backend: { name: 'wasm' as const, version: '4.22.0' } }],
    [
      'another width',
      'checkpoint-incompatible',
      { ...SETUP, spec: tinySpec({ model: { layers: [{ kind: 'dense', units: 5 }] } }) },
    ],
    [
      'more layers',
      'checkpoint-incompatible',
      {
        ...SETUP,
        spec: tinySpec({
          model: {
            layers: [
              { kind: 'dense', units: 4 },
              { kind: 'dense', units: 4 },
            ],
          },
        }),
      },
    ],
    ['another optimizer', 'checkpoint-incompatible', { ...SETUP, spec: tinySpec({ optimizer: { kind: 'sgd' } }) }],
  ])('does not continue %s', async (_, code, setup) => {
    const before = tf.memory().numTensors;
    await expect(restore(setup)).rejects.toMatchObject({ code });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['TensorFlow', 'tfjs-node', '4.22.0+tf2.21.0+avx512+t1', '4.22.0+tf2.22.0+avx512+t1'],
    ['instruction set', 'tfjs-node', '4.22.0+tf2.21.0+avx512+t1', '4.22.0+tf2.21.0+avx2+t1'],
    ['WASM', 'wasm', '4.22.0+simd', '4.22.0+plain'],
  ] as const)('of another %s is refused under a strict spec, and only there', async (_, name, before, now) => {
    await changeState((state) => (state['backend'] = { name, version: before }));
    const on = (version: string, strict: boolean) => ({
      ...SETUP,
      spec: { ...SETUP.spec, strict },
      backend: { name, version },
    });
    await expect(restore(on(now, false))).resolves.toBeUndefined();
    await expect(restore(on(before, true))).resolves.toBeUndefined();
    await expect(restore(on(now, true), { allowBackendChange: true })).resolves.toBeUndefined();
    await expect(restore(on(now, true))).rejects.toMatchObject({
      code: 'checkpoint-incompatible',
      message: expect.stringContaining(`version of ${name} is ${before}, but ${now} is needed; the spec is strict`),
    });
  });

  it('of another trainer version is refused under a strict spec', async () => {
    await changeState((state) => (state['trainer'] = { name: 'ktrdr-tensorflow', version: '0.0.9' }));
    await expect(restore(SETUP)).resolves.toBeUndefined();
    await expect(restore({ ...SETUP, spec: { ...SETUP.spec, strict: true } })).rejects.toThrow(
      'version of ktrdr-tensorflow',
    );
  });

  it('continues on another backend when told to', async () => {
    const setup = { ...SETUP, backend: { name: 'wasm' as const, version: '4.22.0' } };
    await expect(restore(setup, { allowBackendChange: true })).resolves.toBeUndefined();
  });

  it('is refused when it is not where its manifest says', async () => {
    const expected = { step: 5, epoch: 1 };
    await expect(restore(SETUP, { expected })).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
  });

  it.each([2, '1', undefined])('of the format version %p is refused', async (version) => {
    await changeState((state) => (state.format_version = version));
    await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-incompatible' });
  });

  it('that lacks a figure is refused', async () => {
    await changeState((state) => delete state.schedule);
    await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
  });

  it('whose ledger is not that of its position is refused', async () => {
    await changeState((state) => ((state.position as { samples: number }).samples = 16));
    await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
  });

  it('whose optimizer is of another step is refused', async () => {
    await changeState((state) => ((state.position as { step: number }).step = 7));
    await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
  });

  it.each(['state.json', 'weights.safetensors', 'optimizer.safetensors', 'best.safetensors'])(
    'without %s is refused',
    async (name) => {
      await rm(join(dir, name));
      await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-corrupted', details: { file: name } });
    },
  );

  it.each(['state.json', 'weights.safetensors', 'optimizer.safetensors'])(
    'with half of %s is refused',
    async (name) => {
      const bytes = await readFile(join(dir, name));
      await writeFile(join(dir, name), bytes.subarray(0, bytes.length / 2));
      await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
    },
  );

  it('with a tensor of another shape is refused and nothing is assigned', async () => {
    const bytes = encodeSafetensors([{ name: 'output/bias', dtype: 'F32', shape: [2] }], () => new Float32Array(2));
    await writeFile(join(dir, 'weights.safetensors'), bytes);
    await expect(restore(SETUP)).rejects.toMatchObject({ code: 'checkpoint-incompatible' });
  });
});

it('keeps NaN and infinities of the state', async () => {
  const { state } = await readRestorePoint(dir);
  const special = {
    ...state,
    epoch_so_far: { ...state.epoch_so_far, loss_sum: NaN },
    early_stopping: { best: Infinity, epochs_without: 0 },
    schedule: { ...state.schedule, plateau: { best: -Infinity, epochs_without: 1 } },
  };
  expect(decodeState(encodeState(special))).toEqual(special);
});

it('leaves nothing behind when files cannot be written', async () => {
  const failing = join(root, 'failing');
  const files = [
    { name: 'whole', chunks: () => [new Uint8Array(10)] },
    { name: 'no/such/folder', chunks: () => [new Uint8Array(10)] },
  ];
  await expect(writeCheckpointFiles(failing, files)).rejects.toMatchObject({ code: 'checkpoint-failed' });
  await expect(readFile(join(`${failing}.partial`, 'whole'))).rejects.toThrow('ENOENT');
});
