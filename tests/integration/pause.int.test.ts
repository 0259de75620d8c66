import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';
import { eventually } from './support/eventually.js';

const LONG = { epochs: 400, checkpoint: { every_epochs: 50 } };

describe('pausing', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let workers: RunningWorker[];
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services, { env: { KTRDR_LEASE_SECONDS: '3', KTRDR_HEARTBEAT_SECONDS: '1' } });
    http = httpOf(api);
    training = trainingOver(http);
    workers = await Promise.all(['w1', 'w2'].map((id) => startWorker(services, { api, id })));
  });
  afterAll(() => services.close());

  const historyOf = async (id: string) =>
    (await http.get(`/operations/${id}/history`)).body['items'] as {
      readonly event: string;
      readonly actor: string;
      readonly details: Readonly<Record<string, unknown>>;
    }[];
  const end = async (id: string) => training.cancelled(id);

  it('stops within a step and its save, with a checkpoint, and tells what a person wants to know', async () => {
    const id = await training.submit({ name: 'paused', spec: smallSpec(LONG) });
    await training.reached(id, 30);
    const asked = performance.now();
    const reply = await http.post(`/operations/${id}/pause`, { reason: 'the GPU is needed', cause: 'resource' });
    expect(reply).toMatchObject({ status: 202, body: { status: 'pausing' } });
    const view = await training.settled(id);
    const tookMs = performance.now() - asked;
    expect(view['status']).toBe('paused');
    expect(tookMs).toBeLessThan(3_000);
    expect(view['latest_checkpoint']).toMatchObject({ checkpoint_type: 'pause' });
    expect(view['worker_id']).toBeNull();
    expect(view['pause']).toMatchObject({
      reason: 'the GPU is needed',
      cause: 'resource',
      requested_by: 'client:bootstrap',
    });
    expect(view['paused']).toMatchObject({
      checkpoint_id: view['latest_checkpoint'].checkpoint_id,
      step: view['latest_checkpoint'].step,
      remaining: { seconds: expect.any(Number), method: expect.any(String) },
    });
    expect(view['pauses']).toMatchObject([
      { actor: 'client:bootstrap', reason: 'the GPU is needed', cause: 'resource' },
    ]);
    expect(view['allowed_actions']).toEqual(['resume', 'cancel', 'delete']);
    const before = view['active_seconds'] as number;
    expect((await training.show(id))['active_seconds']).toBe(before);
    await end(id);
  });

  it('has ended the trainer process when it says paused', async () => {
    const id = await training.submit({ spec: smallSpec(LONG) });
    await training.reached(id, 10);
    await http.post(`/operations/${id}/pause`);
    const view = await training.settled(id);
    expect(view['status']).toBe('paused');
    const { snapshot } = view['paused'] as { snapshot: { trainer_gone: boolean } | null };
    expect(snapshot?.trainer_gone).toBe(true);
    await end(id);
  });

  it('is withdrawn by a resume while it is still pausing', async () => {
    const id = await training.submit({ spec: smallSpec({ ...LONG, epochs: 60 }) });
    await training.reached(id, 10);
    await http.post(`/operations/${id}/pause`, { boundary: 'epoch' });
    const resumed = await http.post(`/operations/${id}/resume`);
    // The epoch may have ended in between; then it is a plain resume.
    expect([202]).toContain(resumed.status);
    const view = await training.completed(id);
    const events = (await historyOf(id)).map(({ event }) => event);
    expect(events).toContain('pause');
    expect(events.includes('withdraw-pause') || events.includes('resume')).toBe(true);
    expect(view['result']).not.toBeNull();
  });

  it('finds the work done when it meets the last step', async () => {
    const id = await training.submit({ spec: smallSpec({ epochs: 2 }) });
    await training.reached(id, 1);
    const { steps } = (await training.show(id))['progress'] as { steps: number };
    await eventually(async () => ((await training.show(id))['progress']?.step ?? 0) >= steps - 30, {
      what: 'the end is near',
    });
    const reply = await http.post(`/operations/${id}/pause`, { boundary: 'epoch' });
    expect([202, 409]).toContain(reply.status);
    const view = await training.settled(id);
    expect(['completed', 'paused']).toContain(view['status']);
    if (view['status'] === 'paused') {
      await http.post(`/operations/${id}/resume`);
      await training.completed(id);
    }
  });

  it('loses nothing when its worker dies while pausing', async () => {
    const id = await training.submit({ spec: smallSpec({ ...LONG, checkpoint: { every_epochs: 2 } }) });
    const view = await training.until(id, ({ latest_checkpoint }) => latest_checkpoint !== null, 'a first checkpoint');
    const holder = workers.find((worker) => worker.id === view['worker_id']);
    if (!holder) throw new Error(`no worker ${view['worker_id']}`);
    await http.post(`/operations/${id}/pause`, { boundary: 'epoch' });
    await holder.kill();
    const paused = await training.settled(id);
    expect(paused['status']).toBe('paused');
    expect(paused['latest_checkpoint']).not.toBeNull();
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed.body['resumed_from']).not.toBeNull();
    await training.reached(id, paused['latest_checkpoint'].step + 1);
    await end(id);
    workers = [...workers.filter((worker) => worker !== holder), await startWorker(services, { api, id: 'w3' })];
  });

  it('continues with overrides, keeps the submitted spec, and shows what changed', async () => {
    const id = await training.submit({ spec: smallSpec({ ...LONG, epochs: 300 }) });
    await training.reached(id, 40);
    await http.post(`/operations/${id}/pause`);
    const paused = await training.settled(id);
    const reply = await http.post(`/operations/${id}/resume`, { overrides: { epochs: 8, learning_rate: 0.001 } });
    expect(reply.body['changes']).toEqual([
      { path: 'epochs', from: 300, to: 8 },
      { path: 'optimizer.learning_rate', from: 0.003, to: 0.001 },
    ]);
    const done = await training.completed(id);
    expect(done['spec'].epochs).toBe(300);
    expect(done['spec_sha256']).toBe(paused['spec_sha256']);
    expect(done['overrides']).toEqual({ epochs: 8, learning_rate: 0.001 });
    expect(done['result'].epochs_run).toBe(8);
    const [resumed] = (await historyOf(id)).filter(({ event }) => event === 'resume');
    expect(resumed?.details['overrides']).toHaveLength(2);
  });

  it('refuses overrides that make no spec and changes nothing', async () => {
    const id = await training.submit({ spec: smallSpec(LONG), pool: 'nobody' });
    await http.post(`/operations/${id}/pause`);
    const before = await training.show(id);
    const bad = await http.post(`/operations/${id}/resume`, { overrides: { seed: 3 } });
    expect([bad.status, bad.body['problems'][0].path]).toEqual([422, 'overrides.seed']);
    expect({ ...(await training.show(id)), paused_seconds: 0 }).toEqual({ ...before, paused_seconds: 0 });
  });

  it('makes a new operation of a cancelled one, which really runs', async () => {
    const first = await training.submit({ name: 'again', spec: smallSpec({ epochs: 2 }) });
    await training.cancelled(first);
    const { status, body } = await http.post(`/operations/${first}/retry`);
    expect([status, body['origin']]).toEqual([201, { kind: 'retry', operation_id: first, checkpoint_id: null }]);
    expect((await training.completed(body['operation_id'] as string))['result']).not.toBeNull();
    expect((await http.post(`/operations/${first}/retry`, {}, { 'idempotency-key': 'r' })).status).toBe(201);
  });

  it('pauses, resumes and cancels many at once, with a preview', async () => {
    const labels = { set: 'bulk' };
    const ids = await Promise.all(
      Array.from({ length: 3 }, () => training.submit({ spec: smallSpec(), pool: 'nobody', labels })),
    );
    const preview = await http.post('/operations/pause', { filter: { labels }, dry_run: true });
    expect(preview.body).toMatchObject({ dry_run: true, matched: 3, done: 3 });
    expect((await training.show(ids[0] ?? ''))['status']).toBe('queued');
    expect((await http.post('/operations/pause', { filter: { labels } })).body).toMatchObject({ matched: 3, done: 3 });
    expect((await http.post('/operations/pause', { filter: { labels } })).body).toMatchObject({ matched: 3, done: 0 });
    expect((await http.post('/operations/resume', { filter: { labels, status: ['paused'] } })).body['done']).toBe(3);
    expect((await http.post('/operations/cancel', { filter: { labels } })).body['done']).toBe(3);
    expect((await http.post('/operations/cancel', { filter: {} })).status).toBe(422);
  });

  it('moves a waiting operation to the front', async () => {
    const pool = 'line';
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push(await training.submit({ spec: smallSpec(), pool }));
    const last = ids[2] ?? '';
    expect((await training.show(last))['queue_position']).toBe(3);
    expect((await http.post(`/operations/${last}/priority`, { priority: 'front' })).body['queue_position']).toBe(1);
    await http.post(`/operations/${last}/cancel`);
    expect((await http.post(`/operations/${last}/priority`, { priority: 'front' })).status).toBe(409);
  });

  it('cancels children with their parent and adds up their progress', async () => {
    const parent = await training.submit({ spec: smallSpec(), pool: 'nobody' });
    const child = await training.submit({ spec: smallSpec(), pool: 'nobody', parent_id: parent });
    expect((await training.show(parent))['children']).toEqual({ total: 1, by_status: { queued: 1 }, fraction: 0 });
    await http.post(`/operations/${parent}/cancel`, { reason: 'enough' });
    expect((await training.show(child))['status']).toBe('cancelled');
    expect(
      (await http.post('/operations', { spec: smallSpec(), parent_id: 'op_training_20260101_000000_abcdef1234' }))
        .status,
    ).toBe(404);
  });

  it('hands work over when its worker is drained', async () => {
    const id = await training.submit({ spec: smallSpec(LONG) });
    const view = await training.reached(id, 10);
    const first = view['worker_id'] as string;
    expect((await http.post(`/workers/${first}/drain`)).status).toBe(202);
    const moved = await training.until(
      id,
      ({ status, worker_id }) => status === 'running' && worker_id !== null && worker_id !== first,
      'another worker has it',
    );
    expect(moved['recoveries']).toBe(0);
    expect((await historyOf(id)).map(({ event }) => event)).toContain('release');
    await http.post(`/workers/${first}/drain`, { draining: false });
    await end(id);
  });
});
