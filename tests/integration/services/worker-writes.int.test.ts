import { randomUUID } from 'node:crypto';
import type { WorkerRpcMethod } from '@ktrdr/contracts';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { type Saving, savingOver } from '../support/saved-operations.js';
import { smallSpec } from '../support/specs.js';
import { type ApiInProcess, startApiInProcess } from './model/support/api-in-process.js';

const ASK = { timeoutMs: 10_000 };
const AT = { step: 10, epoch: 1 };
const NEVER_COMMITTED = '00000000-0000-4000-8000-000000000000';

describe('what a worker writes', () => {
  let services: Services;
  let api: ApiInProcess;
  let http: Http;
  let saving: Saving;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApiInProcess(services);
    http = httpOf(api);
    saving = savingOver(services);
  });
  afterAll(() => services.close());

  const call = (method: WorkerRpcMethod, request: object): Promise<unknown> =>
    api.rpc.call(method, request as never, ASK);
  const lease = ({ operationId, attempt, workerId }: Awaited<ReturnType<Saving['running']>>) => ({
    operation_id: operationId,
    attempt,
    worker_id: workerId,
  });
  const statusOf = async (id: string): Promise<string> =>
    (await http.get(`/operations/${id}`)).body['status'] as string;
  const started = { steps: 50, epochs: 5, backend: 'wasm', backend_version: '1', backend_reason: 'r' };
  const restored = { ...started, data_fingerprint: 'f', trainer: 't', fell_back_from: null, drift: [] };

  it('is refused when another worker names its attempt, whatever it is', async () => {
    const held = await saving.running();
    const checkpoint_id = await saving.save(held, { step: 10, files: { w: randomUUID() } });
    await http.post(`/operations/${held.operationId}/pause`);
    const other = { ...lease(held), worker_id: 'another' };
    const error = { code: 'training-diverged', message: 'm', details: {} };
    const record = await saving.upload(held, { step: 11, files: { w: randomUUID() } });
    const writes: readonly [WorkerRpcMethod, object][] = [
      ['restored', { ...AT, ...restored, checkpoint_id: null }],
      ['checkpoint-commit', { checkpoint: record }],
      ['checkpoint-failed', { ...AT, kind: 'periodic', error, pause_abandoned: false }],
      ['paused', { ...AT, checkpoint_id, snapshot: null }],
      ['cancelled', { ...AT, checkpoint_id }],
      ['completed', { ...AT, checkpoint_id, result: {} }],
      ['failed', { error, checkpoint_id }],
      ['released', { ...AT, checkpoint_id, reason: 'drain' }],
      ['restore-failed', { checkpoint_id, bad_files: [] }],
    ];
    for (const [method, request] of writes)
      await expect(call(method, { ...other, ...request })).rejects.toMatchObject({ code: 'lease-lost' });
    await call('checkpoint-failed', { ...other, ...AT, kind: 'pause', error, pause_abandoned: true });
    expect(await statusOf(held.operationId)).toBe('pausing');
    expect(await call('paused', { ...lease(held), ...AT, checkpoint_id, snapshot: null })).toEqual({
      status: 'paused',
    });
  });

  it.each(['completed', 'paused'] as const)(
    'as %s needs a checkpoint that its attempt has committed',
    async (method) => {
      const held = await saving.running();
      const report = (checkpoint_id: string | null, step = 10) =>
        call(method, { ...lease(held), step, epoch: 1, checkpoint_id, snapshot: null, result: {} });
      const foreign = await saving.save(await saving.running(), { step: 10, files: { w: randomUUID() } });
      if (method === 'paused') await http.post(`/operations/${held.operationId}/pause`);
      for (const wrong of [NEVER_COMMITTED, foreign, ...(method === 'completed' ? [null] : [])])
        await expect(report(wrong)).rejects.toMatchObject({ code: 'checkpoint-not-found' });
      expect(await statusOf(held.operationId)).toBe(method === 'paused' ? 'pausing' : 'running');
      const own = await saving.save(held, { step: 10, files: { w: randomUUID() } });
      expect(await report(own)).toEqual({ status: method });
      expect(await report(own)).toEqual({ status: method });
    },
  );

  it('as paused may name what it was claimed with before its first step, and not after it', async () => {
    const first = await saving.running();
    const { operationId } = first;
    const older = await saving.save(first, { step: 5, files: { w: randomUUID() } });
    const newest = await saving.save(first, { step: 10, files: { w: randomUUID() } });
    await saving.apply(operationId, 'release');
    const held = await saving.claim(operationId);
    await http.post(`/operations/${operationId}/pause`);
    const pause = (checkpoint_id: string, step: number) =>
      call('paused', { ...lease(held), step, epoch: 1, checkpoint_id, snapshot: null });
    await expect(pause(newest, 12)).rejects.toMatchObject({ code: 'checkpoint-not-found' });
    await call('restored', { ...lease(held), ...AT, ...restored, checkpoint_id: newest });
    await expect(pause(older, 5)).rejects.toMatchObject({ code: 'checkpoint-not-found' });
    const body = { type: 'progress', ...AT, steps: 50, epochs: 5, loss: 1, examples_per_second: null };
    const event = { ...lease(held), n: 1, at: new Date().toISOString(), body: { ...body, step: 11 } };
    await call('events', { worker_id: held.workerId, events: [event] });
    await expect(pause(newest, 10)).rejects.toMatchObject({ code: 'checkpoint-not-found' });
    expect(await statusOf(operationId)).toBe('pausing');

    await saving.apply(operationId, 'release');
    await saving.apply(operationId, 'resume', newest);
    const again = await saving.claim(operationId);
    await http.post(`/operations/${operationId}/pause`);
    const report = { ...lease(again), ...AT, checkpoint_id: newest, snapshot: null };
    expect(await call('paused', report)).toEqual({ status: 'paused' });
  });

  it('needs no checkpoint where its type or its own trainer saves none', async () => {
    for (const draft of [
      { type: 'data_generation', spec: { rows: 1 } },
      { spec: { version: 1, trainer: { command: ['x'] } } },
    ]) {
      const held = await saving.running(draft);
      expect(await call('completed', { ...lease(held), ...AT, checkpoint_id: null, result: {} })).toEqual({
        status: 'completed',
      });
    }
  });

  it('as a commit lies where its attempt keeps checkpoints, under names that nothing else can have', async () => {
    const held = await saving.running();
    const victim = await saving.running();
    const record = await saving.upload(held, { step: 10, files: { w: randomUUID() } });
    const others = await saving.upload(victim, { step: 10, files: { w: randomUUID() } });
    const [file] = record.files;
    const wrong: readonly object[] = [
      { ...record, manifest_key: others.manifest_key },
      { ...record, seq: record.seq + 1 },
      { ...record, id: randomUUID() },
      { ...record, id: '../x' },
      { ...record, manifest_key: `checkpoints/${held.operationId}/../x/manifest.json` },
      { ...record, files: [{ ...file, name: '../../etc/passwd' }] },
      { ...record, files: [{ ...file, name: '.hidden' }] },
      { ...record, files: [file, file] },
      { ...record, files: [{ ...file, blob: others.manifest_key }] },
      { ...record, files: [{ ...file, blob: others.files[0]?.blob }] },
      { ...record, files: [{ name: 'w', bytes: 2, parts: [1, 2].map(() => ({ blob: 'blobs/x', bytes: 1 })) }] },
    ];
    for (const checkpoint of wrong)
      await expect(call('checkpoint-commit', { ...lease(held), checkpoint })).rejects.toMatchObject({
        code: 'request-invalid',
      });
    expect(await saving.checkpoints.ofOperation(held.operationId)).toEqual([]);
    expect(await call('checkpoint-commit', { ...lease(held), checkpoint: record })).toEqual({
      checkpoint_id: record.id,
    });
  });

  it('marks no checkpoint of another operation as damaged', async () => {
    const held = await saving.running();
    const foreign = await saving.save(await saving.running(), { step: 10, files: { w: randomUUID() } });
    const report = { ...lease(held), checkpoint_id: foreign, bad_files: [] };
    await expect(call('restore-failed', report)).rejects.toMatchObject({ code: 'checkpoint-not-found' });
    expect((await saving.checkpoints.get(foreign)).corruptedAt).toBeNull();
    expect((await saving.operations.get(held.operationId)).warnings).toEqual([]);
  });

  it.each(['a.b', '*', '>', 'a b', '', 'x'.repeat(129), '../w'])('has no worker named %j', async (worker_id) => {
    const details = { version: '0', host: 'h', pid: 1, slots: 1, capabilities: [], leases: [] };
    const { rpc } = await api.rpc.of('misnamed');
    await expect(rpc.call('register', { worker_id, pool: 'default', ...details }, ASK)).rejects.toMatchObject({
      code: 'request-invalid',
    });
  });

  it('is awaited: who claims three times in a row and is not heard of gets no more, until somebody ends that', async () => {
    const pool = `pool-${randomUUID().slice(0, 8)}`;
    const ask = { worker_id: 'silent', pool, capabilities: ['type:training', 'backend:wasm'] };
    const details = { version: '0', host: 'h', pid: 1, slots: 9, leases: [] };
    await call('register', { ...ask, ...details });
    const claim = async (): Promise<string | null> => {
      const reply = (await call('claim', { ...ask, claim_id: randomUUID() })) as {
        operation: { operation_id: string };
      };
      return reply.operation?.operation_id ?? null;
    };
    const expire = async (id: string): Promise<void> => {
      await saving.database.$executeRaw`
        UPDATE operations SET lease_expires_at = clock_timestamp() - interval '1 second' WHERE id = ${id}`;
      await api.expire.execute({ cancellingMs: 1e9, pausingMs: 1e9 });
      await eventually(async () => (await statusOf(id)) !== 'running', { what: 'its lease has expired' });
    };
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1)
      ids.push((await http.post('/operations', { pool, spec: smallSpec() })).body['operation_id'] as string);
    const heard = (await claim()) ?? '';
    const attempt = { operation_id: heard, attempt: 1, worker_id: 'silent', ...restored };
    for (let n = 0; n < 2; n += 1) await expire((await claim()) ?? '');
    await call('restored', { ...attempt, step: 0, epoch: 0, checkpoint_id: null }); // it was heard of: it begins anew
    for (let n = 0; n < 3; n += 1) await expire((await claim()) ?? '');
    expect(await claim()).toBeNull();
    const heartbeat = { worker_id: 'silent', free_slots: 9, leases: [] };
    expect(await call('heartbeat', heartbeat)).toMatchObject({ draining: false, work_waits: false });
    const shown = async (): Promise<unknown> =>
      ((await http.get('/workers')).body['items'] as { worker_id: string; status: string }[]).find(
        ({ worker_id }) => worker_id === 'silent',
      )?.status;
    expect(await shown()).toBe('quarantined');
    const recoveries = await Promise.all(ids.map(async (id) => (await saving.operations.get(id)).recoveries));
    expect(recoveries.reduce((sum, each) => sum + each, 0)).toBe(5);
    await http.post('/workers/silent/drain', { draining: false });
    expect(await shown()).toBe('available');
    expect(await claim()).not.toBeNull();
  });
});
