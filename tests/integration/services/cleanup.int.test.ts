import { STORE_OWNER_KEY } from '@ktrdr/checkpoint/testing';
import type { Lease } from '@ktrdr/operations';
import type pg from 'pg';
import { ktrdr } from '../support/command-line.js';
import { eventually, eventuallySeen } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { type RunningApi, startApi } from '../support/processes.js';
import { type Saving, savingOver, isIncomplete } from '../support/saved-operations.js';

const DAY_MS = 24 * 3_600_000;
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);

describe('clean-up', () => {
  let services: Services;
  let saving: Saving;
  let database: pg.Client;
  let api: RunningApi;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    database = await services.database();
    api = await startApi(services);
    http = httpOf(api);
  });
  afterAll(() => services.close());

  const cleanup = async (body: Record<string, unknown>) => {
    const reply = await http.post('/checkpoints/cleanup', body);
    expect([reply.status, reply.body['detail']]).toEqual([200, undefined]);
    return reply.body;
  };
  const idsOf = async (operationId: string): Promise<string[]> =>
    (await saving.checkpoints.ofOperation(operationId)).map(({ id }) => id);
  const removedIn = (view: object): string[] =>
    (view as { removed: { checkpoint_id: string }[] }).removed.map(({ checkpoint_id: id }) => id);

  /** Cancelled, with one checkpoint a step; the oldest is `oldest` days old, each next one a day less. */
  const givenCancelled = async (
    steps: number,
    oldest = 0,
    keepLast = 100,
  ): Promise<{ id: string; saved: string[] }> => {
    const lease = await saving.running({ spec: { checkpoint: { keep_last: keepLast } } });
    const saved: string[] = [];
    for (let step = 1; step <= steps; step += 1) {
      const files = { 'model.json': 'the same', 'weights.safetensors': `${lease.operationId} ${step}` };
      saved.push(await saving.save(lease, { step, files, createdAt: daysAgo(oldest - step + 1) }));
    }
    await saving.apply(lease.operationId, 'cancel');
    await saving.apply(lease.operationId, 'cancelled');
    return { id: lease.operationId, saved };
  };

  it('changes nothing unless it is told to, and does then what it said', async () => {
    const { id, saved } = await givenCancelled(5, 10);
    const limits = { operation_id: id, older_than_days: 8.5 };
    const said = await cleanup(limits);
    expect(said).toMatchObject({ dry_run: true, orphans: { skipped: 'only one operation was asked for' } });
    expect(removedIn(said).toSorted()).toEqual(saved.slice(0, 2).toSorted());
    expect(said['freed_bytes']).toBe(2 * `${id} 1`.length);
    expect(await idsOf(id)).toHaveLength(5);
    const done = await cleanup({ ...limits, dry_run: false });
    expect(done).toEqual({ ...said, dry_run: false });
    expect(await idsOf(id)).toEqual(saved.slice(2).toReversed());
    expect(await cleanup({ ...limits, dry_run: false })).toMatchObject({ removed: [], freed_bytes: 0 });
  });

  it('keeps the pinned, the best, and what a paused operation continues from', async () => {
    const lease = await saving.running({ spec: { checkpoint: { keep_last: 100 } } });
    const save = (step: number, isBest = false) =>
      saving.save(lease, { step, isBest, files: { w: `kept ${step}` }, createdAt: daysAgo(50 - step) });
    const [pinned = '', best = '', chosen = '', plain = '', newest = ''] = [
      await save(1),
      await save(2, true),
      await save(3),
      await save(4),
      await save(5),
    ];
    await saving.checkpoints.setPinned(pinned, true);
    await saving.apply(lease.operationId, 'pause');
    await saving.apply(lease.operationId, 'paused', chosen);
    const view = await cleanup({ operation_id: lease.operationId, keep_last: 1, older_than_days: 1, dry_run: false });
    expect(view['removed']).toMatchObject([{ checkpoint_id: plain, step: 4, reason: 'beyond-keep-last' }]);
    expect(await idsOf(lease.operationId)).toEqual([newest, chosen, best, pinned]);
  });

  it('leaves a running operation what its own specification keeps', async () => {
    const lease = await saving.running({ spec: { checkpoint: { keep_last: 3 } } });
    for (const step of [1, 2, 3])
      await saving.save(lease, { step, files: { w: `running ${step}` }, createdAt: daysAgo(90) });
    const limits = { operation_id: lease.operationId, keep_last: 1, older_than_days: 1, max_total_bytes: 0 };
    expect(await cleanup({ ...limits, dry_run: false })).toMatchObject({
      removed: [],
      kept_reasons: { newest: 1, 'in-use': 2 },
      over_limit: { max_total_bytes: 0 },
    });
    await saving.apply(lease.operationId, 'cancel');
    await saving.apply(lease.operationId, 'cancelled');
    expect((await cleanup({ ...limits, dry_run: false }))['removed']).toHaveLength(2);
  });

  it('keeps the files of a result until the operation is deleted', async () => {
    const first = await saving.running({ spec: { checkpoint: { keep_last: 100 } } });
    const { operationId } = first;
    const origin = await saving.save(first, { step: 1, files: { w: 'on the way' } });
    await saving.apply(operationId, 'pause');
    await saving.apply(operationId, 'paused', origin);
    await saving.apply(operationId, 'resume', origin);
    const lease = await saving.claim(operationId);
    const final = await saving.save(lease, { step: 2, kind: 'final', files: { w: 'the result' } });
    await saving.operations.transition({
      operationId: lease.operationId,
      event: 'complete',
      actor: 'test',
      reason: null,
      expect: {},
      changes: { result: { loss: 0 } },
      details: {},
    });
    await cleanup({ operation_id: lease.operationId, keep_last: 1, max_total_bytes: 0, dry_run: false });
    expect(await idsOf(lease.operationId)).toEqual([final]);
    expect((await http.get(`/operations/${lease.operationId}/result/files/w`)).body['text']).toBe('the result');
  });

  it('lets the oldest go until the rest fits', async () => {
    const { id, saved } = await givenCancelled(4, 20);
    const { bytes } = await saving.checkpoints.get(saved[0] ?? '');
    const own = bytes - 'the same'.length;
    const limit = 2 * own + 'the same'.length;
    const view = await cleanup({ operation_id: id, max_total_bytes: limit, dry_run: false });
    expect(view).toMatchObject({ freed_bytes: 2 * own, over_limit: null });
    expect(await idsOf(id)).toEqual([saved[3], saved[2]]);
  });

  it('says of an unknown operation that there is none, and of a bad limit what is wrong', async () => {
    const unknown = 'op_training_20200101_000000_aaaaaaaaaa';
    expect((await http.post('/checkpoints/cleanup', { operation_id: unknown })).status).toBe(404);
    expect((await http.post('/checkpoints/cleanup', { keep_last: 0 })).status).toBe(422);
    expect((await http.post('/checkpoints/cleanup', { older_than: 3 })).status).toBe(422);
  });

  it('is shown, and then done, by the command line', async () => {
    const { id, saved } = await givenCancelled(3, 40);
    const args = ['checkpoints', 'cleanup', '--operation', id, '--older-than', '38.5d'];
    const shown = await ktrdr(api, ...args);
    expect(shown.stdout).toContain(saved[0]);
    expect(shown.stdout).toContain('Nothing was removed yet');
    expect(shown.stdout).toContain(`ktrdr checkpoints cleanup --older-than 38.5d --operation ${id} --yes`);
    expect(await idsOf(id)).toHaveLength(3);
    const done = await ktrdr(api, ...args, '--yes', '--json');
    expect([done.code, removedIn(JSON.parse(done.stdout))]).toEqual([0, [saved[1], saved[0]]]);
    expect(await idsOf(id)).toEqual([saved[2]]);
    expect((await ktrdr(api, 'checkpoints', 'cleanup', '--older-than', 'long')).code).toBe(2);
  });

  it('leaves a save in progress alone, whoever sweeps meanwhile', async () => {
    const lease = await saving.running();
    for (let step = 1; step <= 10; step += 1) {
      const record = await saving.upload(lease, { step, files: { w: `in progress ${step}` } });
      const [swept] = await Promise.all([cleanup({ dry_run: false }), cleanup({ dry_run: false, keep_last: 1 })]);
      if (swept?.['orphans'].skipped === null) expect(swept['orphans'].younger_than_grace).toBeGreaterThanOrEqual(2);
      await saving.commit(lease, record);
      expect(await saving.verified(await saving.checkpoints.get(record.id))).toMatchObject({ valid: true });
    }
  });

  it('lets a resume and a deletion of its checkpoint not both succeed', async () => {
    const outcomes = { resumed: 0, deleted: 0 };
    for (let round = 0; round < 15; round += 1) {
      const { id, saved } = await givenCancelled(2);
      const [older = ''] = saved;
      const [resumed, deleted] = await Promise.all([
        saving.apply(id, 'resume', older),
        cleanup({ operation_id: id, keep_last: 1, dry_run: false }),
      ]);
      const isThere = (await idsOf(id)).includes(older);
      expect(isThere).toBe(resumed.kind === 'applied');
      expect(removedIn(deleted)).toEqual(isThere ? [] : [older]);
      outcomes[isThere ? 'resumed' : 'deleted'] += 1;
    }
    expect(outcomes.resumed + outcomes.deleted).toBe(15);
  });

  it('tells in the statistics what the last sweep did', async () => {
    await cleanup({ dry_run: false });
    const { body } = await http.get('/checkpoints/stats');
    expect(body['last_orphan_sweep']).toMatchObject({ skipped: null, at: expect.any(String) });
    expect((await ktrdr(api, 'checkpoints', 'stats')).stdout).toMatch(/orphans +\d+ objects? \(/);
  });

  it('ends with every checkpoint whole and nothing left that none names, after any history', async () => {
    const random = seeded(20261122);
    const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
    const leases: Lease[] = [];
    const contents = Array.from({ length: 12 }, (_, n) => `content ${n}`);
    const files = () => ({ 'model.json': 'model', w: pick(contents) ?? '', o: pick(contents) ?? '' });
    let step = 0;
    const nextSave = () => ({
      step: (step += 1),
      files: files(),
      isBest: random() < 0.2,
      createdAt: daysAgo(random() * 60),
    });
    const leave = (lease: Lease) => void leases.splice(leases.indexOf(lease), 1);
    const acts: Record<string, () => Promise<unknown>> = {
      async begin() {
        leases.push(await saving.running({ spec: { checkpoint: { keep_last: 100 } } }));
      },
      async save() {
        const lease = pick(leases);
        if (lease) await saving.save(lease, nextSave());
      },
      async abandonUpload() {
        const lease = pick(leases);
        if (!lease) return;
        const upload = saving.upload(lease, { ...nextSave(), files: { w: `never committed ${step}` } });
        await upload.catch((error: unknown) => {
          if (!isIncomplete(error)) throw error;
        });
      },
      async stop() {
        const lease = pick(leases);
        if (!lease) return;
        leave(lease);
        await saving.apply(lease.operationId, 'cancel');
        await saving.apply(lease.operationId, 'cancelled');
        if (random() < 0.5) await http.delete(`/operations/${lease.operationId}`);
      },
      async deleteOne() {
        const { items } = (await http.get(`/operations/${pick(leases)?.operationId ?? 'none'}/checkpoints`)).body;
        const chosen = pick((items ?? []) as { checkpoint_id: string }[]);
        if (chosen) await http.delete(`/checkpoints/${chosen.checkpoint_id}?force=true`);
      },
      cleanup: () =>
        cleanup({
          dry_run: false,
          orphan_grace_seconds: 0,
          keep_last: 1 + Math.floor(random() * 4),
          older_than_days: 30,
        }),
      fit: () => cleanup({ dry_run: false, include_orphans: false, max_total_bytes: Math.floor(random() * 400) }),
    };
    const weights = ['begin', 'save', 'save', 'save', 'save', 'abandonUpload', 'stop', 'deleteOne', 'cleanup', 'fit'];
    await acts['begin']?.();
    for (let round = 0; round < 40; round += 1) {
      const chosen = ['save', ...Array.from({ length: 4 }, () => pick(weights) ?? 'save')];
      await Promise.all(chosen.map(async (name) => acts[name]?.().catch(ifLeaseIsGone)));
    }
    await eventually(
      async () => (await database.query('SELECT 1 FROM checkpoints WHERE deleting_at IS NOT NULL')).rowCount === 0,
      { what: 'deletions are finished' },
    );
    await cleanup({ dry_run: false, orphan_grace_seconds: 0 });
    const { rows } = await database.query<{ id: string; corrupted_at: Date | null }>(
      'SELECT id, corrupted_at FROM checkpoints',
    );
    const left = await Promise.all(rows.map(({ id }) => saving.checkpoints.get(id)));
    expect(left.filter(({ corruptedAt }) => corruptedAt !== null)).toEqual([]);
    for (const checkpoint of left) expect(await saving.verified(checkpoint)).toMatchObject({ valid: true });
    const named = left.flatMap(({ manifestKey, files: entries }) => [manifestKey, ...entries.map(({ blob }) => blob)]);
    expect(await saving.keys()).toEqual([...new Set([STORE_OWNER_KEY, ...named])].sort());
  });

  it('is finished by the next start when the API is killed in the middle', async () => {
    const operations = await Promise.all(Array.from({ length: 6 }, () => givenCancelled(40)));
    const ids = operations.map(({ id }) => id);
    const count = async (where: string): Promise<number> => {
      const { rows } = await database.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM checkpoints WHERE operation_id = ANY($1) AND ${where}`,
        [ids],
      );
      return rows[0]?.n ?? 0;
    };
    const request = cleanup({ dry_run: false, keep_last: 1, include_orphans: false }).catch(() => 'cut off');
    await eventually(async () => (await count('true')) < 40 * ids.length, { what: 'some rows are gone', everyMs: 1 });
    await api.kill();
    expect(await request).toBe('cut off');
    expect(await count('deleting_at IS NOT NULL')).toBeGreaterThan(0);
    api = await startApi(services);
    http = httpOf(api);
    await eventuallySeen(
      () => count('deleting_at IS NOT NULL'),
      (left) => left === 0,
      { what: 'it is finished' },
    );
    await cleanup({ dry_run: false, keep_last: 1 });
    expect(await count('true')).toBe(ids.length);
    expect(await cleanup({ orphan_grace_seconds: 0 })).toMatchObject({
      orphans: { manifests: 0, blobs: 0, damaged: 0, skipped: null },
    });
    for (const id of ids) {
      const [last] = await saving.checkpoints.ofOperation(id);
      if (!last) throw new Error(`${id} has lost its last checkpoint`);
      expect(await saving.verified(last)).toMatchObject({ valid: true });
    }
  });
});

/** An attempt that another action of the same round ended saves no more. */
function ifLeaseIsGone(error: unknown): void {
  if ((error as { code?: string }).code !== 'lease-lost') throw error;
}

/** The same numbers between 0 and 1 for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
