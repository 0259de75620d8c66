import { ktrdr } from './support/command-line.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Answer, type Http, httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

type View = Answer['body'];

const ADVANCED = { optimizer: { kind: 'adam', learning_rate: 0.005 }, batch_size: 256 };

describe('a fork', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let four: string;
  let eight: string;

  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1' });
    four = await training.submit({
      name: 'four',
      labels: { owner: 'ada' },
      spec: smallSpec({ ...ADVANCED, epochs: 4 }),
    });
    eight = await training.submit({ name: 'eight', spec: smallSpec({ ...ADVANCED, epochs: 8 }) });
    await training.completed(four);
    await training.completed(eight);
  });
  afterAll(() => services.close());

  const fork = async (id: string, body: Record<string, unknown> = {}): Promise<View> => {
    const reply = await http.post(`/operations/${id}/fork`, body);
    expect([reply.status, reply.body['detail']]).toEqual([201, undefined]);
    return reply.body;
  };
  const checkpointsOf = async (id: string): Promise<View[]> =>
    (await http.get(`/operations/${id}/checkpoints`)).body['items'];

  it('of a completed operation with more epochs has the weights of a run of that many', async () => {
    const before = await training.show(four);
    const forked = await fork(four, { overrides: { epochs: 8 }, name: 'extended' });
    expect(forked).toMatchObject({
      name: 'extended',
      dry_run: false,
      forked_from: { operation_id: four, status: 'completed', checkpoint_type: 'final', epoch: 4 },
      changes: [{ path: 'epochs', from: 4, to: 8 }],
      guarantee: { level: 'bit-exact' },
      drift: [],
    });
    const id = forked['operation_id'] as string;
    const view = await training.completed(id);
    expect(await training.weightsOf(id)).toBe(await training.weightsOf(eight));
    const [own, other] = await Promise.all(
      [id, eight].map(async (each) => (await http.get(`/operations/${each}/result`)).body['result']),
    );
    expect(own.ledger_sha256).toBe(other.ledger_sha256);
    expect(view).toMatchObject({
      labels: { owner: 'ada' },
      progress: { fraction: 1, epoch: 8 },
      forked_from: { operation_id: four, epoch: 4, changes: [{ path: 'epochs', from: 4, to: 8 }] },
    });
    // It is told of in both directions, and the completed one has not changed.
    const after = await training.show(four);
    expect(after['forks']).toMatchObject([{ operation_id: id, name: 'extended', epoch: 4 }]);
    expect({ ...after, forks: [] }).toEqual({ ...before, forks: [] });
    const history = (await http.get(`/operations/${four}/history`)).body['items'];
    expect(history.at(-1)).toMatchObject({
      event: 'fork',
      from: 'completed',
      to: 'completed',
      details: { operation_id: id },
    });
    const [submitted] = (await http.get(`/operations/${id}/history`)).body['items'];
    expect(submitted).toMatchObject({ event: 'submit', details: { forked_from: { operation_id: four } } });
  });

  it('has the charts of its origin up to where it begins', async () => {
    const { operation_id: id } = await fork(four, { overrides: { epochs: 6 } });
    await training.completed(id as string);
    const points = async (of: string) => (await http.get(`/operations/${of}/metrics`)).body;
    const [own, other] = [await points(id as string), await points(eight)];
    expect(own['items'].map(({ step, values }: View) => [step, values])).toEqual(
      other['items'].slice(0, 6).map(({ step, values }: View) => [step, values]),
    );
    expect(own['resumed_at_steps']).toEqual([own['items'][3].step]);
  });

  it('shares the blobs of its checkpoint and outlives the deletion of its origin', async () => {
    const origin = await training.submit({ name: 'origin', spec: smallSpec({ ...ADVANCED, epochs: 4 }) });
    await training.completed(origin);
    const stored = async (): Promise<number> => (await http.get('/checkpoints/stats')).body['stored_bytes'];
    // Drained, so that the fork waits while its origin goes.
    await http.post('/workers/w1/drain');
    await training.until(origin, () => true, 'is there');
    const before = await stored();
    const { operation_id: id } = await fork(origin, { overrides: { epochs: 8 } });
    expect(await stored()).toBe(before);
    const [inherited] = await checkpointsOf(id as string);
    expect(inherited).toMatchObject({ attempt: 0, uploaded_bytes: 0, epoch: 4, is_latest: true });
    expect((await http.delete(`/operations/${origin}`)).status).toBe(204);
    expect((await http.post(`/checkpoints/${inherited!['checkpoint_id']}/verify`)).body).toMatchObject({ valid: true });
    await http.post('/checkpoints/cleanup', { dry_run: false, keep_last: 1, max_total_bytes: 0 });
    await http.post('/workers/w1/drain', { draining: false });
    await training.completed(id as string);
    expect(await training.weightsOf(id as string)).toBe(await training.weightsOf(eight));
    expect((await training.show(id as string))['forked_from']).toMatchObject({ operation_id: origin });
  });

  it('of a running operation begins at its newest checkpoint and disturbs nothing', async () => {
    const origin = await training.submit({
      name: 'running',
      spec: smallSpec({ ...ADVANCED, epochs: 60, checkpoint: { every_epochs: 1, keep_last: 100 } }),
    });
    const isSaved = ({ latest_checkpoint: latest, status }: View) => status === 'running' && latest !== null;
    await training.until(origin, isSaved, 'has a checkpoint');
    const forked = await fork(origin, { overrides: { epochs: 8 } });
    expect(forked['forked_from']).toMatchObject({
      operation_id: origin,
      status: 'running',
      checkpoint_type: 'periodic',
    });
    expect((await training.show(origin))['status']).toBe('running');
    await training.cancelled(origin);
    await training.completed(forked['operation_id'] as string);
    expect(await training.weightsOf(forked['operation_id'] as string)).toBe(await training.weightsOf(eight));
  });

  it('is paused, cancelled and resumed from where it begins before any worker has had it', async () => {
    await http.post('/workers/w1/drain');
    const { operation_id: id } = await fork(four, { overrides: { epochs: 8 } });
    await http.post(`/operations/${id}/pause`);
    expect((await training.show(id as string))['status']).toBe('paused');
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed.body).toMatchObject({ status: 'resuming', lost_steps: 0, resumed_from: { epoch: 4 } });
    await http.post(`/operations/${id}/cancel`);
    expect((await http.post(`/operations/${id}/resume`)).body).toMatchObject({ resumed_from: { epoch: 4 } });
    await http.post('/workers/w1/drain', { draining: false });
    await training.completed(id as string);
    expect(await training.weightsOf(id as string)).toBe(await training.weightsOf(eight));
  });

  it('is rehearsed without being made', async () => {
    const { total } = (await http.get('/operations?limit=1')).body;
    const reply = await http.post(`/operations/${four}/fork`, { overrides: { epochs: 8 }, dry_run: true });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      operation_id: null,
      status: null,
      dry_run: true,
      forked_from: { operation_id: four, epoch: 4 },
      changes: [{ path: 'epochs', from: 4, to: 8 }],
    });
    expect((await http.get('/operations?limit=1')).body['total']).toBe(total);
  });

  it('is made once, however often a request with the same key is sent', async () => {
    const headers = { 'idempotency-key': `fork-${four}` };
    const replies = await Promise.all([1, 2, 3].map(() => http.post(`/operations/${four}/fork`, {}, headers)));
    const made = replies.filter(({ status }) => status === 201).map(({ body }) => body['operation_id'] as string);
    expect(new Set(made).size).toBe(1);
    const again = await http.post(`/operations/${four}/fork`, {}, headers);
    expect([again.status, again.body['operation_id']]).toEqual([201, made[0]]);
    await training.completed(made[0] ?? '');
  });

  it('is refused with what to do instead', async () => {
    const refused = async (id: string, body: Record<string, unknown>) => {
      const reply = await http.post(`/operations/${id}/fork`, body);
      return [reply.status, reply.body['code']];
    };
    expect(await refused('op_training_20200101_000000_aaaaaaaaaa', {})).toEqual([404, 'operation-not-found']);
    expect(await refused(four, { checkpoint: 'no-such' })).toEqual([404, 'checkpoint-not-found']);
    expect(await refused(four, { overrides: { epochs: 0 } })).toEqual([422, 'request-invalid']);
    expect(await refused(four, { overrides: { epochs: 3 }, dry_run: true })).toEqual([422, 'request-invalid']);
    expect(await refused(four, { overrides: { seed: 3 } })).toEqual([422, 'request-invalid']);
    expect(await refused(four, { overrides: { backend: 'cpu' } })).toEqual([422, 'request-invalid']);
  });

  it('is made, rehearsed and shown by the command line', async () => {
    const shown = await ktrdr(api, 'operations', 'fork', four, '--epochs', '5', '--dry-run');
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain(`Would fork ${four}`);
    expect(shown.stdout).toMatch(/changed +epochs 4 → 5/);
    const made = await ktrdr(api, 'operations', 'fork', four, '--epochs', '5', '--name', 'five', '--json');
    const { operation_id: id } = JSON.parse(made.stdout) as { operation_id: string };
    await training.completed(id);
    expect((await ktrdr(api, 'operations', 'show', id)).stdout).toMatch(new RegExp(`made from +${four}`));
    expect((await ktrdr(api, 'operations', 'show', four)).stdout).toContain(id);
    expect((await ktrdr(api, 'operations', 'fork', four, '--checkpoint', 'nothing')).code).toBe(3);
    expect((await ktrdr(api, 'operations', 'fork', four, '--epochs', 'many')).code).toBe(2);
  });
});
