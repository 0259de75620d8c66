import { CheckpointStore } from '@ktrdr/checkpoint';
import { ForkOperation, type Lease, NO_CHANGES, partsOf } from '@ktrdr/operations';
import { ingest, openDatabase, CheckpointGarbageStore, PrismaForkStore } from '@ktrdr/operations-prisma';
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoredCheckpoints } from '../../../apps/api/src/platform/stored-checkpoints.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

const ROUNDS = 15;

describe('a fork and whoever removes what it begins with', () => {
  let services: Services;
  let saving: Saving;
  let http: Http;
  let stored: StoredCheckpoints;
  let forks: PrismaForkStore;
  let database: ReturnType<typeof openDatabase>;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    http = httpOf(await startApi(services));
    database = openDatabase({ url: services.databaseUrl, connections: 4 });
    services.onClose(() => database.$disconnect());
    forks = new PrismaForkStore(database);
    const collection = new CheckpointGarbageStore(database);
    stored = new StoredCheckpoints(new CheckpointStore(saving.objects), saving.objects, collection);
  });
  afterAll(() => services.close());

  /** Cancelled, with a checkpoint a step, each with a blob of its own. */
  const givenCancelled = async (steps: number): Promise<{ id: string; saved: string[] }> => {
    const lease = await saving.running({ spec: { epochs: 3, checkpoint: { keep_last: 100 } } });
    const saved: string[] = [];
    for (let step = 1; step <= steps; step += 1)
      saved.push(await saving.save(lease, { step, files: { w: `${lease.operationId} ${step}` } }));
    await saving.apply(lease.operationId, 'cancel');
    await saving.apply(lease.operationId, 'cancelled');
    return { id: lease.operationId, saved };
  };

  /** Whoever was forked has a whole checkpoint of its own; who was refused has left nothing. */
  const expectWhole = async (forkId: string): Promise<void> => {
    const [own] = await saving.checkpoints.ofOperation(forkId);
    expect(await saving.verified(own!)).toMatchObject({ valid: true });
  };

  it.each([
    ['clean-up', (id: string) => http.post('/checkpoints/cleanup', { operation_id: id, keep_last: 1, dry_run: false })],
    [
      'deletion of the checkpoint',
      (_: string, checkpoint: string) => http.delete(`/checkpoints/${checkpoint}?force=true`),
    ],
    ['deletion of the operation', (id: string) => http.delete(`/operations/${id}`)],
  ])('do not meet half-way: %s', async (_name, remove) => {
    const outcomes = { forked: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id, saved } = await givenCancelled(2);
      const [older = ''] = saved;
      const [forked] = await Promise.all([
        http.post(`/operations/${id}/fork`, { checkpoint: older }),
        remove(id, older),
        http.post('/checkpoints/cleanup', { dry_run: false, orphan_grace_seconds: 0 }),
      ]);
      if (forked.status === 201) await expectWhole(forked.body['operation_id'] as string);
      else expect([404, 422]).toContain(forked.status);
      outcomes[forked.status === 201 ? 'forked' : 'refused'] += 1;
    }
    expect(outcomes.forked + outcomes.refused).toBe(ROUNDS);
  });

  it.each(['marked before the fork has the lock', 'marked while it is made'])(
    'agree on a checkpoint that is %s',
    async (when) => {
      const { id, saved } = await givenCancelled(2);
      const [older = ''] = saved;
      const other = await services.database();
      const mark = () => other.query('UPDATE checkpoints SET deleting_at = now() WHERE id = $1', [older]);
      const drafts: { id: string }[] = [];
      const fork = new ForkOperation(
        saving.operations,
        {
          fork: async (draft, assertStored) => {
            drafts.push(draft);
            if (when.includes('before')) await mark();
            return forks.fork(draft, assertStored);
          },
        },
        saving.checkpoints,
        stored,
        { announce: () => undefined, hint: () => undefined },
        { allowsProcessTrainers: false },
      );
      const making = fork.execute({
        operationId: id,
        choice: older,
        allowFallback: false,
        dryRun: false,
        changes: NO_CHANGES,
        createdBy: 'test',
        submissionKey: null,
        now: new Date(),
        entropy: randomBytes(10),
        newCheckpointId: randomUUID,
      });
      if (when.includes('before')) {
        await expect(making).rejects.toMatchObject({ code: 'checkpoint-not-found' });
        await expect(saving.operations.get(drafts[0]!.id)).rejects.toMatchObject({ code: 'operation-not-found' });
      } else {
        const { fork: made } = await making;
        await mark();
        await http.delete(`/operations/${id}`);
        await expectWhole(made!.id);
      }
    },
  );

  it('leave the fork the points that led to its checkpoint, and none of an attempt that was given up or came later', async () => {
    const first = await saving.running({ spec: { epochs: 3 } });
    const id = first.operationId;
    let n = 0;
    const train = async (lease: Lease, from: number, steps: readonly number[]): Promise<string> => {
      const start = {
        step: from,
        epoch: 0,
        steps: 50,
        epochs: 3,
        backend: 'wasm',
        checkpointId: null,
        fellBackFrom: null,
        details: {},
      };
      await saving.operations.recordStart(lease, start);
      const told = steps.map((step) => {
        const metrics = { loss: lease.attempt };
        return { n: (n += 1), at: new Date(), type: 'metrics', data: {}, metrics, point: { step, epoch: 1 } };
      });
      await Promise.all(await ingest(database, [{ ...lease, events: told }]));
      return saving.save(lease, { step: steps.at(-1) ?? 0, files: { w: `${id} ${lease.attempt}` } });
    };
    const givenUp = await train(first, 0, [10, 20, 30]);
    await saving.apply(id, 'release');
    const newer = await train(await saving.claim(id), 10, [16, 26]);
    const pointsOf = async (checkpoint: string): Promise<unknown[]> => {
      const { body } = await http.post(`/operations/${id}/fork`, { checkpoint });
      const { items } = (await http.get(`/operations/${body['operation_id']}/metrics`)).body;
      return items.map(({ step, values }: { step: number; values: { loss: number } }) => [step, values.loss]);
    };
    expect(await pointsOf(newer)).toEqual([
      [10, 1],
      [16, 2],
      [26, 2],
    ]);
    expect(await pointsOf(givenUp)).toEqual([
      [10, 1],
      [20, 1],
      [30, 1],
    ]);
  });

  it('keep each other’s blobs until neither names them', async () => {
    const { id, saved } = await givenCancelled(1);
    const { body } = await http.post(`/operations/${id}/fork`);
    const [own] = await saving.checkpoints.ofOperation(body['operation_id'] as string);
    const blob = partsOf(own!.files[0]!)[0]!.blob;
    expect(own!.files).toEqual((await saving.checkpoints.get(saved[0]!)).files);
    await http.delete(`/operations/${id}`);
    expect(await saving.keys()).toContain(blob);
    await http.post(`/operations/${body['operation_id']}/cancel`);
    await http.delete(`/operations/${body['operation_id']}`);
    expect(await saving.keys()).not.toContain(blob);
  });

  it('begins at an older checkpoint when that is accepted and the newest is damaged', async () => {
    const { id, saved } = await givenCancelled(2);
    const { files } = await saving.checkpoints.get(saved[1]!);
    await rm(join(services.folder, 'objects', partsOf(files[0]!)[0]!.blob));
    const refused = await http.post(`/operations/${id}/fork`);
    expect([refused.status, refused.body['code']]).toEqual([422, 'checkpoint-corrupted']);
    expect(refused.body['fallback']).toMatchObject({ checkpoint_id: saved[0], step: 1 });
    const { status, body } = await http.post(`/operations/${id}/fork`, { allow_fallback: true });
    expect(status).toBe(201);
    expect(body).toMatchObject({ fell_back_from: saved[1], forked_from: { checkpoint_id: saved[0], step: 1 } });
    await expectWhole(body['operation_id'] as string);
  });
});
