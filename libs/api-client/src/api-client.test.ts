import { ApiClient, type ApiClientOptions } from './api-client.js';
import { ApiAddressError, ApiContractError, ApiProblemError, ApiUnreachableError } from './errors.js';
import { operationView } from './testing/operation-fixture.js';
import { hangUp, json, problem, ScriptedServer, type Turn } from './testing/scripted-server.js';

const ID = operationView().operation_id;
const ACTION = { operation_id: ID, status: 'pausing', message: 'Pausing', allowed_actions: [] };

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function given(turns: readonly Turn[], options: Partial<ApiClientOptions> = {}) {
  const server = await new ScriptedServer(turns).start();
  servers.push(server);
  const backoff = { firstMs: 1, maxMs: 4 };
  return { server, api: new ApiClient({ url: server.url, token: 'secret', timeoutMs: 5_000, backoff, ...options }) };
}

describe('ApiClient', () => {
  it('shows its token with every request', async () => {
    const { api, server } = await given([json(operationView())]);
    await api.get(ID);
    expect(server.requests[0]).toMatchObject({ method: 'GET', url: `/operations/${ID}` });
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('keeps fields that the contract does not know', async () => {
    const { api } = await given([json({ ...operationView(), mood: 'good' })]);
    expect(await api.get(ID)).toHaveProperty('mood', 'good');
  });

  it('keeps a path in front of the API and leaves out filters that are not given', async () => {
    const page = { items: [], next_cursor: null, total: 0, active: 0, by_status: {} };
    const { server } = await given([json(page)]);
    await new ApiClient({ url: `${server.url}/ktrdr`, token: 't' }).list({
      status: 'running,paused',
      limit: undefined,
    });
    expect(server.requests[0]?.url).toBe('/ktrdr/operations?status=running%2Cpaused');
  });

  it('repeats a POST with the same key after a broken connection and a 503', async () => {
    const { api, server } = await given([hangUp, problem(503, { code: 'shutting-down' }), json(ACTION, 202)]);
    await expect(api.pause(ID)).resolves.toEqual(ACTION);
    const keys = server.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('repeats a POST while its own earlier try is still at work', async () => {
    const { api } = await given([problem(409, { code: 'idempotency-in-progress' }), json(ACTION, 202)]);
    await expect(api.cancel(ID)).resolves.toEqual(ACTION);
  });

  it('tells before each further try how much time is left', async () => {
    const leftMs: number[] = [];
    const turns = [hangUp, problem(503, { code: 'shutting-down' }), json(ACTION, 202)];
    const { api } = await given(turns, { onRetry: (_, left) => void leftMs.push(left) });
    await api.pause(ID);
    expect(leftMs).toHaveLength(2);
    expect(leftMs).toEqual(leftMs.toSorted((a, b) => b - a));
    for (const left of leftMs) expect(left < 5_000 && left > 0).toBe(true);
  });

  it('tells once of each try that is not answered, with the time that is left of all tries together', async () => {
    const told: { readonly tried: number; readonly leftMs: number }[] = [];
    let giveUp = (): void => undefined;
    const unanswered: Turn = (_, response) => void (giveUp = () => response.destroy());
    const onSlow = (leftMs: number): void => {
      told.push({ tried: server.requests.length, leftMs });
      giveUp();
    };
    const { api, server } = await given([unanswered, unanswered, json(ACTION, 202)], { slowAfterMs: 20, onSlow });
    await api.pause(ID);
    const ofUnanswered = told.filter(({ tried }) => tried <= 2); // on a busy machine the answer itself may be late too
    expect(ofUnanswered.map(({ tried }) => tried)).toEqual([1, 2]);
    const [first, second] = ofUnanswered.map(({ leftMs }) => leftMs);
    expect(first).toBeLessThan(5_000);
    expect(second).toBeLessThan(first ?? 0);
  });

  it('takes an upload that lasts, or a stream that waits for its first event, for no silence', async () => {
    const slow: number[] = [];
    const slowly: Turn = (_, response) => void setTimeout(() => response.end(), 60);
    const { api } = await given([slowly], { slowAfterMs: 10, onSlow: (left) => void slow.push(left) });
    await api.putBlob('ab'.repeat(32), new Uint8Array(10));
    const ending = new AbortController();
    for await (const { kind } of api.stream({ signal: ending.signal })) if (kind === 'disconnected') ending.abort();
    expect(slow).toEqual([]);
  });

  it('gives up an upload that is refused again and again after the time of other calls, and says so before', async () => {
    const leftMs: number[] = [];
    const full = problem(503, { code: 'object-store-unavailable', detail: 'The store is full' });
    const options = { timeoutMs: 200, onRetry: (_: Error, left: number) => void leftMs.push(left) };
    const { api, server } = await given([full], options);
    const startedAt = performance.now();
    await expect(api.putBlob('ab'.repeat(32), new Uint8Array(10))).rejects.toThrow('The store is full');
    expect(performance.now() - startedAt).toBeLessThan(200 * 10);
    expect(server.requests.length).toBeGreaterThan(1);
    for (const left of leftMs) expect(left).toBeLessThanOrEqual(200);
  });

  it('leaves an upload that is not answered yet twenty times as long', async () => {
    const { api } = await given([(_, response) => void setTimeout(() => response.end(), 100)], { timeoutMs: 20 });
    await expect(api.putBlob('ab'.repeat(32), new Uint8Array(10))).resolves.toBeUndefined();
  });

  it('sends a new key for each POST', async () => {
    const { api, server } = await given([json(ACTION, 202)]);
    await api.pause(ID);
    await api.pause(ID);
    expect(new Set(server.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });

  it('gives up a POST at its deadline', async () => {
    const { api, server } = await given([hangUp], { timeoutMs: 500 });
    await expect(api.pause(ID)).rejects.toThrow(ApiUnreachableError);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  it.each<[string, (api: ApiClient, signal: AbortSignal) => Promise<unknown>]>([
    ['get', (api, signal) => api.get(ID, { signal })],
    ['verifyCheckpoint', (api, signal) => api.verifyCheckpoint(ID, {}, { signal })],
  ])('ends %s with the reason of its signal', async (_method, call) => {
    const reason = new Error('Ctrl+C');
    const interrupt = new AbortController();
    const { api } = await given([() => interrupt.abort(reason)]);
    await expect(call(api, interrupt.signal)).rejects.toBe(reason);
  });

  it('does not repeat a read that fails', async () => {
    const { api, server } = await given([hangUp]);
    await expect(api.get(ID)).rejects.toThrow('connection lost');
    expect(server.requests).toHaveLength(1);
  });

  it('does not repeat what the API refuses', async () => {
    const fields = {
      code: 'illegal-transition',
      detail: 'It is running',
      operation_id: ID,
      allowed_actions: ['pause'],
    };
    const { api, server } = await given([problem(409, fields)]);
    const error = await api.resume(ID).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblemError);
    expect(error).toMatchObject({
      code: 'illegal-transition',
      status: 409,
      message: 'It is running',
      details: { operation_id: ID, allowed_actions: ['pause'] },
    });
    expect(server.requests).toHaveLength(1);
  });

  it('names the address and the reason when nobody listens', async () => {
    const { api, server } = await given([hangUp]);
    await server.stop();
    await expect(api.get(ID)).rejects.toThrow(`Cannot reach the API at ${server.url}: connection refused`);
  });

  it('says so when an answer does not come in time', async () => {
    const { api } = await given([() => undefined], { timeoutMs: 40 });
    await expect(api.get(ID)).rejects.toThrow('no answer within 0.04 s: it may still be working');
  });

  it('says so, too, when a body stops coming, and waits for one call longer than for others where it is told to', async () => {
    const begin: Turn = (_, response) => void response.write('{');
    const { api } = await given([begin], { timeoutMs: 1 });
    await expect(api.verifyCheckpoint('x', {}, { timeoutMs: 200 })).rejects.toThrow('no answer within 0.2 s');
  });

  it('takes the status for the code where the answer has none that it knows', async () => {
    const { api } = await given([
      json('<html>', 502),
      problem(404, { code: 'newer-code', detail: 'Not here' }),
      json(null, 401),
    ]);
    await expect(api.get(ID)).rejects.toMatchObject({ code: 'internal', status: 502 });
    await expect(api.get(ID)).rejects.toMatchObject({ code: 'object-not-found', message: 'Not here' });
    await expect(api.get(ID)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('names the fields that do not fit the contract', async () => {
    const { api } = await given([json({ ...operationView(), version: 'three' })]);
    const error = await api.get(ID).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiContractError);
    expect((error as Error).message).toContain('version: ');
  });

  it('sends bulk actions, priorities, retries and drains where the API takes them', async () => {
    const bulk = { dry_run: true, matched: 0, left_out: 0, done: 0, items: [] };
    const worker = {
      worker_id: 'w/1',
      pool: 'default',
      status: 'draining',
      version: '0.1.0',
      host: 'here',
      pid: 1,
      slots: 1,
      free_slots: 1,
      capabilities: [],
      operations: [],
      registered_at: '2026-11-22T10:00:00.000Z',
      last_seen_at: '2026-11-22T10:00:00.000Z',
    };
    const view = json(operationView());
    const { api, server } = await given([json(bulk), json(bulk), json(bulk), view, view, json(worker, 202)]);
    const selection = { filter: { status: ['paused' as const] }, dry_run: true };
    expect(await api.resumeAll({ ...selection, checkpoint: 'best' })).toEqual(bulk);
    await api.pauseAll({ ...selection, cause: 'budget' });
    await api.cancelAll({ ...selection, save: false });
    await api.retry(ID);
    await api.prioritise(ID, { priority: 'front' });
    expect(await api.drainWorker('w/1', { draining: false })).toEqual(worker);
    expect(server.requests.map(({ method, url, body }) => [method, url, JSON.parse(body) as unknown])).toEqual([
      ['POST', '/operations/resume', { ...selection, checkpoint: 'best' }],
      ['POST', '/operations/pause', { ...selection, cause: 'budget' }],
      ['POST', '/operations/cancel', { ...selection, save: false }],
      ['POST', `/operations/${ID}/retry`, {}],
      ['POST', `/operations/${ID}/priority`, { priority: 'front' }],
      ['POST', '/workers/w%2F1/drain', { draining: false }],
    ]);
  });

  it('lets workers in and out, each with the proof that it takes', async () => {
    const enrolment = {
      enrolment_id: 'we_1',
      token: 'kte_secret',
      pool: 'gpu',
      worker_id: null,
      uses: 2,
      expires_at: '2026-11-30T10:00:00.000Z',
    };
    const credentials = {
      jwt: 'a.b.c',
      expires_at: '2026-11-30T10:00:00.000Z',
      nats_url: 'nats://n:4222',
      pool: 'gpu',
      worker_id: 'w1',
    };
    const none = json(undefined, 204);
    const { api, server } = await given([
      json(enrolment, 201),
      json(credentials),
      json(credentials),
      json({ items: [] }),
      none,
      none,
    ]);
    expect(await api.allowWorkers({ pool: 'gpu', uses: 2 })).toEqual(enrolment);
    expect(await api.enrolWorker({ nkey: 'UA', worker_id: 'w1' })).toEqual(credentials);
    expect(await api.workerCredentials('UA', '17.abc')).toEqual(credentials);
    await api.workerIdentities({ worker_id: 'w1' });
    await api.revokeIdentity('UA');
    await api.withdrawEnrolment('we_1');
    expect(server.requests.map(({ method, url, headers }) => [method, url, headers.authorization])).toEqual([
      ['POST', '/workers/enrolments', 'Bearer secret'],
      ['POST', '/workers/identities', 'Bearer secret'],
      ['POST', '/workers/identities/UA/credentials', 'Nkey 17.abc'],
      ['GET', '/workers/identities?worker_id=w1', 'Bearer secret'],
      ['DELETE', '/workers/identities/UA', 'Bearer secret'],
      ['DELETE', '/workers/enrolments/we_1', 'Bearer secret'],
    ]);
  });

  it('accepts the empty answer to a deletion', async () => {
    const { api, server } = await given([json(undefined, 200)]);
    await expect(api.remove(ID)).resolves.toBeUndefined();
    expect(server.requests[0]?.method).toBe('DELETE');
  });

  it('refuses an address that is none', () => {
    expect(() => new ApiClient({ url: 'localhost:8080', token: 't' })).toThrow(ApiAddressError);
    expect(() => new ApiClient({ url: 'not an address', token: 't' })).toThrow(ApiAddressError);
  });
});
