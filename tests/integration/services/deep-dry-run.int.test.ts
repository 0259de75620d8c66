import { randomBytes } from 'node:crypto';
import { open, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointDamagedError, CheckpointStore } from '@ktrdr/checkpoint';
import { QUICK_HASH_LIMIT_BYTES } from '@ktrdr/checkpoint/testing';
import { type Checkpoint, type Lease, ReportRestoreFailure } from '@ktrdr/operations';
import { CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import fc from 'fast-check';
import { StoredCheckpoints } from '../../../apps/api/src/platform/stored-checkpoints.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';
import { smallSpec } from '../support/specs.js';

const STEPS = [10, 20, 30];
const LARGE = 'optimizer.safetensors';
const SMALL = 'trainer-state.json';

/** One thing that happened to a stored file; `at`: where in it, from 0 to 1. */
interface Damage {
  readonly checkpoint: number;
  readonly file: typeof LARGE | typeof SMALL | 'manifest.json';
  readonly how: 'flipped' | 'cut' | 'removed';
  readonly at: number;
}
const damage = fc.record<Damage>({
  checkpoint: fc.nat({ max: STEPS.length - 1 }),
  file: fc.oneof({ weight: 4, arbitrary: fc.constant(LARGE) }, fc.constantFrom(SMALL, 'manifest.json')),
  how: fc.oneof({ weight: 4, arbitrary: fc.constant('flipped') }, fc.constantFrom('cut', 'removed')),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

describe('a deep dry run of a resume', () => {
  let services: Services;
  let saving: Saving;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    http = httpOf(await startApi(services, { env: { KTRDR_REVERIFY_SECONDS: '604800' } }));
  });
  afterAll(() => services.close());

  const pathOf = ({ manifestKey, files }: Checkpoint, name: string) => {
    const key = name === 'manifest.json' ? manifestKey : files.find((file) => file.name === name)?.blob;
    return join(fileURLToPath(services.objectStoreUrl), key ?? '');
  };

  /** Cancelled at step 30, with three checkpoints that share nothing; newest first. */
  async function givenCancelled() {
    const lease = await saving.running({ spec: smallSpec() });
    for (const step of STEPS) {
      const [large, small] = [QUICK_HASH_LIMIT_BYTES, 500].map((bytes) => randomBytes(bytes / 2 + 1).toString('hex'));
      await saving.save(lease, { step, files: { [LARGE]: large ?? '', [SMALL]: small ?? '' } });
    }
    await saving.apply(lease.operationId, 'cancel');
    await saving.apply(lease.operationId, 'cancelled');
    return { id: lease.operationId, checkpoints: await saving.checkpoints.ofOperation(lease.operationId) };
  }

  async function happen(checkpoint: Checkpoint, { file, how, at }: Damage): Promise<void> {
    const path = pathOf(checkpoint, file);
    const found = await stat(path).catch(() => null);
    if (!found) return; // removed before
    if (how === 'removed') return rm(path);
    const offset = Math.floor(at * found.size);
    if (how === 'cut') return truncate(path, offset);
    const handle = await open(path, 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    await handle.write(Buffer.of(byte.readUInt8(0) ^ 1), 0, 1, offset);
    await handle.close();
  }

  /** What a worker comes to: it restores, and reports what is damaged, until something is right. */
  async function restoredByWorker(lease: Lease, first: Checkpoint): Promise<string | null> {
    const store = new CheckpointStore(saving.objects);
    const stored = new StoredCheckpoints(store, saving.objects, new CheckpointGarbageStore(saving.database));
    const report = new ReportRestoreFailure(saving.operations, saving.checkpoints, stored);
    for (let next: Checkpoint | null = first; next;) {
      try {
        await store.restore({ ...next, into: join(services.folder, 'restored', next.id) });
        return next.id;
      } catch (error) {
        if (!(error instanceof CheckpointDamagedError)) throw error;
        next = await report.execute(lease, next.id, error.badFiles);
      }
    }
    return null;
  }

  const resume = (id: string, body: Record<string, unknown>) => http.post(`/operations/${id}/resume`, body);

  it('finds one changed byte in the middle of a large file, which a plain one does not, and changes nothing', async () => {
    const { id, checkpoints } = await givenCancelled();
    const [newest, older] = checkpoints;
    if (!newest || !older) throw new Error('it has no two checkpoints');
    expect((await stat(pathOf(newest, LARGE))).size).toBeGreaterThan(QUICK_HASH_LIMIT_BYTES);
    await happen(newest, { checkpoint: 0, file: LARGE, how: 'flipped', at: 0.5 });
    const before = [await saving.operations.get(id), await saving.checkpoints.ofOperation(id)];

    expect(await resume(id, { dry_run: true })).toMatchObject({
      status: 202,
      body: { resumed_from: { checkpoint_id: newest.id }, fell_back_from: null },
    });
    expect(await resume(id, { dry_run: true, deep: true })).toMatchObject({
      status: 422,
      body: {
        code: 'checkpoint-corrupted',
        checkpoint_id: newest.id,
        bad_files: [{ name: LARGE, problem: 'wrong-hash' }],
        fallback: { checkpoint_id: older.id, step: 20 },
      },
    });
    expect(await resume(id, { dry_run: true, deep: true, allow_fallback: true })).toMatchObject({
      status: 202,
      body: { resumed_from: { checkpoint_id: older.id }, fell_back_from: newest.id },
    });
    expect([await saving.operations.get(id), await saving.checkpoints.ofOperation(id)]).toEqual(before);
  });

  it('is refused where something would be changed', async () => {
    const { id } = await givenCancelled();
    const { status, body } = await resume(id, { deep: true });
    expect([status, body['code'], body['problems']]).toEqual([
      422,
      'request-invalid',
      [{ path: 'deep', message: 'goes only with a dry run' }],
    ]);
    expect((await saving.operations.get(id)).status).toBe('cancelled');
  });

  it('tells of any damage what the worker then comes to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { maxLength: 5 }), async (damages) => {
        const { id, checkpoints } = await givenCancelled();
        for (const each of damages) {
          const checkpoint = checkpoints[each.checkpoint];
          if (checkpoint) await happen(checkpoint, each);
        }
        const told = await resume(id, { dry_run: true, deep: true, allow_fallback: true });
        const real = await resume(id, { allow_fallback: true });
        const from = real.body['resumed_from']?.checkpoint_id as string | undefined;
        const lease = from === undefined ? null : await saving.claim(id);
        const restored = from && lease ? await restoredByWorker(lease, await saving.checkpoints.get(from)) : null;
        expect(told.status).toBe(restored === null ? 422 : 202);
        expect(told.body['resumed_from']?.checkpoint_id ?? null).toBe(restored);
        if (restored && lease) await saving.apply(id, 'cancel').then(() => saving.apply(id, 'cancelled'));
      }),
      { numRuns: 20 },
    );
  });
});
