import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import type { StartControl } from './control-queue.js';
import { findBackends } from './tensorflow/find-backends.js';
import type { FoundBackend } from './tensorflow/found-backend.js';
import { serveOperation } from './operation-session.js';
import { recordLoop, type RecordedLoop } from './testing/recorded-loop.js';
import { tinySpec } from './testing/tiny-dataset.js';

const SPEC = {
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return' }, { kind: 'rsi' }],
  model: { layers: [{ kind: 'dense', units: 4 }] },
  epochs: 2,
  batch_size: 1024,
  seed: 3,
};

let backends: readonly FoundBackend[];
let loop: RecordedLoop;

beforeAll(async () => {
  backends = await findBackends();
});
beforeEach(async () => {
  loop = await recordLoop();
});
afterEach(async () => {
  await loop.remove();
});

async function serve(
  spec: unknown,
  resume: StartControl['resume'] = null,
  { available = backends, ...changes }: Partial<StartControl> & { readonly available?: typeof backends } = {},
) {
  const start: StartControl = {
    type: 'start',
    operation_id: 'op_training_20261122_101500_k3v9qa',
    attempt: 1,
    operation_type: 'training',
    accepted_spec_sha256: [],
    spec,
    spec_sha256: 'c'.repeat(64),
    data_file: null,
    spool_dir: loop.spoolDir,
    resume,
    ...changes,
  };
  const outcome = await serveOperation(start, {
    ...loop,
    failpoints: NO_FAILPOINTS,
    backends: available,
    logError: () => undefined,
  });
  return { outcome, failure: loop.told('failed')[0] };
}

describe('a trainer session', () => {
  it('trains the built-in data from start to completion on the backend for a model of its size', async () => {
    const { outcome } = await serve(SPEC);
    expect(outcome).toBe('completed');
    expect(loop.events[0]).toMatchObject({ type: 'started', step: 0, epoch: 0, epochs: 2, backend: 'wasm' });
    expect(loop.told('started')[0]?.backend_reason).toContain('multiply-adds');
    expect(loop.told('completed')[0]?.result).toMatchObject({ epochs_run: 2, data_fingerprint: expect.any(String) });
  });

  it('resumes on the checkpoint’s backend, though auto would take another', async () => {
    await serve({ ...SPEC, backend: 'cpu' });
    const { dir } = loop.told('saved')[0]!;
    const { step, epoch } = loop.told('saved')[0]!;
    await serve({ ...SPEC, backend: 'auto' }, { dir, step, epoch });
    expect(loop.told('started')[1]).toMatchObject({
      step,
      epoch,
      backend: 'cpu',
      backend_reason: 'the checkpoint was made on it',
    });
  });

  it('passes over a backend that cannot run the model, and says why', async () => {
    const broken = backends.map((backend) =>
      backend.name === 'wasm'
        ? { ...backend, engine: () => Promise.resolve({ name: 'nowhere', version: '1' }) }
        : backend.name === 'cpu'
          ? backend
          : { name: backend.name, usable: false, problem: 'left out' },
    );
    await serve(SPEC, null, { available: broken as readonly FoundBackend[] });
    expect(loop.told('started')[0]).toMatchObject({ backend: 'cpu' });
    expect(loop.told('started')[0]?.backend_reason).toContain('wasm: ');
  });

  it('fails when a named backend is not installed, saying what to install', async () => {
    const missing = backends.map(({ name }) => ({ name, usable: false as const, problem: 'not installed' }));
    const { outcome, failure } = await serve({ ...SPEC, backend: 'tfjs-node-gpu' }, null, { available: missing });
    expect(outcome).toBe('failed');
    expect(failure).toMatchObject({ code: 'backend-unavailable' });
    expect(failure?.message).toContain('npm run backend:native -- --gpu');
  });

  it.each([
    ['a document that is no spec', { version: 1 }, 'spec-invalid'],
    ['data that is not there', { ...SPEC, data: { source: 'file:///nowhere.csv' } }, 'data-not-found'],
  ])('answers %s with a failure of its own code', async (_, spec, code) => {
    expect((await serve(spec)).failure).toMatchObject({ code });
  });

  it('answers a checkpoint that is not there with checkpoint-corrupted', async () => {
    const { failure } = await serve(SPEC, { dir: `${loop.spoolDir}/nowhere`, step: 1, epoch: 0 });
    expect(failure).toMatchObject({ code: 'checkpoint-corrupted', details: { file: 'state.json' } });
  });

  it('takes a spec whose defaults are already filled in', async () => {
    const { outcome } = await serve({ ...tinySpec({ epochs: 1, batch_size: 4096 }) });
    expect(outcome).toBe('completed');
  });

  it('goes on from a checkpoint of the spec that this one was made of, and of no other', async () => {
    await serve({ ...SPEC, backend: 'cpu' });
    const { dir, step, epoch } = loop.told('saved')[0]!;
    const resume = { dir, step, epoch };
    const longer = { ...SPEC, backend: 'cpu', epochs: 3 };
    const other = await serve(longer, resume, { spec_sha256: 'd'.repeat(64) });
    expect(other.failure).toMatchObject({ code: 'checkpoint-incompatible' });
    const changes = { spec_sha256: 'd'.repeat(64), accepted_spec_sha256: ['c'.repeat(64)] };
    expect((await serve(longer, resume, changes)).outcome).toBe('completed');
    expect(loop.told('completed').at(-1)?.result).toMatchObject({ epochs_run: 3 });
  });

  it('says which types of operation there are when it is given another', async () => {
    const { failure } = await serve(SPEC, null, { operation_type: 'backtest' });
    expect(failure).toMatchObject({ code: 'spec-invalid', message: expect.stringContaining('training and data_gen') });
  });
});
