import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleanUpCheckpoints, ExpireCheckpoints } from '@ktrdr/checkpoint';
import { CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import type pg from 'pg';
import { eventually, eventuallySeen } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { type RunningApi, startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

const DAY_MS = 24 * 3_600_000;
const FREQUENT = {
  KTRDR_ORPHAN_SWEEP_SECONDS: '1',
  KTRDR_REVERIFY_SECONDS: '1',
  KTRDR_CHECKPOINT_MAX_AGE_DAYS: '10',
};

describe('what looks after checkpoints by itself', () => {
  let services: Services;
  let saving: Saving;
  let api: RunningApi;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
  });
  afterAll(() => services.close());

  const eventsOf = async (id: string) =>
    (await http.get(`/operations/${id}/events`)).body['items'] as { type: string; data: Record<string, unknown> }[];
  const corrupted = (id: string) =>
    eventuallySeen(
      async () => (await http.get(`/checkpoints/${id}`)).body,
      ({ corrupted_at: at }) => at !== null,
      { what: `${id} is marked` },
    );

  describe('of their age', () => {
    let database: pg.Client;
    let collection: CheckpointGarbageStore;
    let cleanUp: CleanUpCheckpoints;
    beforeAll(async () => {
      database = await services.database();
      collection = new CheckpointGarbageStore(saving.database);
      cleanUp = new CleanUpCheckpoints(collection, saving.objects);
    });
    const turn = (days = 10) => new ExpireCheckpoints(cleanUp, collection, days * DAY_MS).execute(new Date());
    const warnedHoursAgo = (hours: number) =>
      database.query(
        `UPDATE checkpoints SET expiry_warned_at = now() - $1 * interval '1 h' WHERE expiry_warned_at IS NOT NULL`,
        [hours],
      );
    const idsOf = async (operationId: string) =>
      (await saving.checkpoints.ofOperation(operationId)).map(({ id }) => id).toReversed();
    const warningsOf = async (operationId: string) =>
      (await saving.operations.get(operationId)).warnings.map(({ message }) => message);
    const warningEvents = async (operationId: string) => {
      const sql = `SELECT 1 FROM events WHERE operation_id = $1 AND type = 'warning'`;
      return (await database.query(sql, [operationId])).rowCount;
    };
    const givenCancelled = async (ages: readonly number[]) => {
      const lease = await saving.running({ spec: { checkpoint: { keep_last: 100 } } });
      const saved: string[] = [];
      for (const [step, days] of ages.entries()) {
        const createdAt = new Date(Date.now() - days * DAY_MS);
        saved.push(await saving.save(lease, { step, files: { w: `aged ${days}` }, createdAt }));
      }
      await saving.apply(lease.operationId, 'cancel');
      await saving.apply(lease.operationId, 'cancelled');
      return { id: lease.operationId, saved };
    };

    it('go only three days after their operation was warned, and never the last that works', async () => {
      const { id, saved } = await givenCancelled([30, 12, 8, 1]);
      const alone = await givenCancelled([20_000]);
      for (const hours of [0, 0, 71]) {
        await warnedHoursAgo(hours);
        await turn();
        expect(await idsOf(id)).toEqual(saved);
      }
      expect(await warningsOf(id)).toEqual([expect.stringContaining('3 of its checkpoints will be removed within 3')]);
      expect(await warningEvents(id)).toBe(1);
      await warnedHoursAgo(73);
      await turn();
      expect(await idsOf(id)).toEqual(saved.slice(2));
      expect(await idsOf(alone.id)).toEqual(alone.saved);
    });

    it('are warned of anew where more of them have come of age, or have been spared in between', async () => {
      const { id, saved } = await givenCancelled([12, 6, 1]);
      await turn();
      await warnedHoursAgo(73);
      await database.query(`UPDATE checkpoints SET created_at = created_at - interval '6 days' WHERE id = $1`, [
        saved[1],
      ]);
      await turn();
      expect(await idsOf(id)).toEqual(saved.slice(1));
      expect(await warningsOf(id)).toEqual([expect.stringContaining('2 of its')]);
      expect(await warningEvents(id)).toBe(2);
      await warnedHoursAgo(73);
      await turn(100);
      await turn();
      expect(await idsOf(id)).toEqual(saved.slice(1));
      expect(await warningsOf(id)).toEqual([expect.stringContaining('1 of its')]);
      expect(await warningEvents(id)).toBe(3);
    });

    it('are looked after by the service itself', async () => {
      const { id } = await givenCancelled([12, 1]);
      api = await startApi(services, { env: FREQUENT, name: 'api-first' });
      http = httpOf(api);
      const { warnings } = await eventuallySeen(
        async () => (await http.get(`/operations/${id}`)).body,
        (view) => (view['warnings'] as unknown[]).length > 0,
        { what: 'the operation warns' },
      );
      expect(warnings).toMatchObject([{ code: 'checkpoints-expiring', message: expect.stringContaining('1 of its') }]);
    });
  });

  it('finds objects that are gone, and tells it by an event', async () => {
    const lease = await saving.running();
    const whole = await saving.save(lease, { step: 1, files: { w: 'whole' } });
    const broken = await saving.save(lease, { step: 2, files: { w: 'gone', o: 'there' } });
    const blob = (await saving.checkpoints.get(broken)).files.find(({ name }) => name === 'w')?.blob ?? '';
    await rm(join(fileURLToPath(services.objectStoreUrl), blob));
    await corrupted(broken);
    const event = (await eventsOf(lease.operationId)).find(({ type }) => type === 'checkpoint-corrupted');
    expect(event?.data).toMatchObject({ checkpoint_id: broken, bad_files: [{ name: 'w', problem: 'missing' }] });
    expect((await http.get(`/checkpoints/${whole}`)).body['corrupted_at']).toBeNull();
  });

  it('reads every byte again in time, and finds what has rotted', async () => {
    const lease = await saving.running();
    const sound = await saving.save(lease, { step: 1, files: { w: 'sound' } });
    const rotten = await saving.save(lease, { step: 2, files: { w: 'rotten' } });
    const { files } = await saving.checkpoints.get(rotten);
    await saving.objects.put(files[0]?.blob ?? '', new TextEncoder().encode('rotted'));
    const view = await corrupted(rotten);
    expect(view['verified_at']).toBeNull();
    await eventually(async () => (await http.get(`/checkpoints/${sound}`)).body['verified_at'] !== null, {
      what: 'the sound one is verified',
    });
  });

  describe('damage that is mended', () => {
    let database: pg.Client;
    beforeAll(async () => {
      database = await services.database();
    });
    const givenMarked = async () => {
      const lease = await saving.running();
      const id = await saving.save(lease, { step: 2, files: { w: `mended ${lease.operationId}` } });
      const [file] = (await saving.checkpoints.get(id)).files;
      const blob = file?.blob ?? '';
      const bytes = await saving.objects.get(blob);
      await saving.objects.put(blob, new TextEncoder().encode('something else'));
      expect((await http.post(`/checkpoints/${id}/verify`, { depth: 'deep' })).body['valid']).toBe(false);
      await corrupted(id);
      return { id, operationId: lease.operationId, putBack: () => saving.objects.put(blob, bytes) };
    };
    const mendedEvents = async (id: string) =>
      (await eventsOf(id)).filter(({ type }) => type === 'checkpoint-mended').map(({ data }) => data);

    it('is no damage any more once every byte was read again and found right, which an event tells', async () => {
      const { id, operationId, putBack } = await givenMarked();
      await putBack();
      const quick = await http.post(`/checkpoints/${id}/verify`, { depth: 'quick' });
      expect(quick.body['valid']).toBe(true);
      expect((await saving.checkpoints.get(id)).corruptedAt).not.toBeNull();
      for (const _time of ['first', 'again'])
        expect((await http.post(`/checkpoints/${id}/verify`, { depth: 'deep' })).body['valid']).toBe(true);
      expect((await http.get(`/checkpoints/${id}`)).body).toMatchObject({
        corrupted_at: null,
        verified_at: expect.any(String),
      });
      expect(await mendedEvents(operationId)).toEqual([{ checkpoint_id: id }]);
    });

    it('stays marked where it was marked while its bytes were being read', async () => {
      const { id, operationId } = await givenMarked();
      const collection = new CheckpointGarbageStore(saving.database);
      const asItWas = await saving.checkpoints.get(id);
      await database.query(`UPDATE checkpoints SET corrupted_at = now() + interval '1 s' WHERE id = $1`, [id]);
      for (const corruptedAt of [asItWas.corruptedAt, null])
        expect(await collection.markVerified({ id, corruptedAt })).toBe(false);
      expect((await saving.checkpoints.get(id)).corruptedAt).not.toBeNull();
      expect(await mendedEvents(operationId)).toEqual([]);
    });

    it('is looked at again by itself, a day after it was found', async () => {
      const { id, operationId, putBack } = await givenMarked();
      const other = await givenMarked();
      await putBack();
      const dayOld = `UPDATE checkpoints SET corrupted_at = now() - interval '25 h' WHERE id = ANY($1) RETURNING id`;
      expect((await database.query(dayOld, [[id, other.id]])).rowCount).toBe(2);
      await eventually(async () => (await saving.checkpoints.get(id)).corruptedAt === null, {
        what: 'the mark is lifted',
      });
      expect(await mendedEvents(operationId)).toEqual([{ checkpoint_id: id }]);
      await eventually(
        async () => Date.now() - ((await saving.checkpoints.get(other.id)).corruptedAt?.getTime() ?? 0) < DAY_MS,
        { what: 'the other is found damaged once more' },
      );
      expect((await eventsOf(other.operationId)).filter(({ type }) => type === 'checkpoint-corrupted')).toHaveLength(1);
    });
  });

  it('is done by one of two replicas at a time, and by another after the first was killed', async () => {
    const second = await startApi(services, { env: FREQUENT, name: 'api-beside' });
    const lease = await saving.running();
    const sweptAfter = async (instant: number) =>
      eventuallySeen(
        async () => (await httpOf(second).get('/checkpoints/stats')).body['last_orphan_sweep'] as { at: string } | null,
        (sweep) => Date.parse(sweep?.at ?? '') > instant,
        { what: 'there was another sweep' },
      );
    await sweptAfter(Date.now());
    await api.kill();
    await sweptAfter(Date.now());
    const saved = await saving.save(lease, { step: 1, files: { w: 'after the kill' } });
    expect(await saving.verified(await saving.checkpoints.get(saved))).toMatchObject({ valid: true });
  });

  it('does not start with a grace that workers do not reckon with', async () => {
    await expect(startApi(services, { env: { KTRDR_ORPHAN_GRACE_HOURS: '1' }, name: 'api-hasty' })).rejects.toThrow();
  });
});
