import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { freePort } from '../../tools/stack/free-port.js';
import { attemptRecordOf } from './support/attempt-record.js';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { NatsProcess } from './support/nats-process.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { LEASE_MS, SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { trainingOver } from './support/training.js';

/** Long enough that it cannot end before what it needs is taken away. */
const EPOCHS = 120;
/** A silent peer is noticed by its missing answers, which takes longer than a refused connection. */
const BACK_WITHIN_MS = 40_000;

describe('training through an outage', () => {
  let services: Services;
  let nats: NatsProcess;
  let natsProxy: TcpProxy;
  let databaseProxy: TcpProxy;
  let database: pg.Client;
  let port: number;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let worker: RunningWorker;
  let uninterrupted: string;

  const startOurApi = async (token?: string) => {
    api = await startApi(services, { env: SHORT_LEASE, port, name: 'api', ...(token ? { token } : {}) });
    http = httpOf(api);
    training = trainingOver(http);
  };
  const submit = (name: string, epochs = EPOCHS) =>
    training.submit({ name, spec: smallSpec({ epochs, checkpoint: { every_seconds: 0.5 } }) });

  /** By the database, past the proxy. */
  const leaseIsOver = (id: string, ms: number) =>
    eventually(
      async () => {
        const { rows } = await database.query(
          `SELECT 1 FROM operations WHERE id = $1 AND lease_expires_at + $2 * interval '1 millisecond' < clock_timestamp()`,
          [id, ms],
        );
        return rows.length > 0;
      },
      { what: `the lease of ${id} has been over for ${ms} ms` },
    );

  const expectUndisturbed = async (id: string) => {
    const view = await training.until(id, ({ status }) => status === 'completed', 'completed', BACK_WITHIN_MS);
    expect(view).toMatchObject({ attempt: 1, recoveries: 0 });
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    const attempts = await attemptRecordOf(database, id).attempts();
    expect(attempts).toMatchObject([{ attempt: 1, outcome: 'complete' }]);
    const { items } = (await http.get(`/operations/${id}/events?limit=1000`)).body as { items: { seq: number }[] };
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));
  };

  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    natsProxy = await TcpProxy.before(nats.url);
    databaseProxy = await TcpProxy.before(shared.databaseUrl);
    services = {
      ...shared,
      natsUrl: natsProxy.through(nats.url),
      natsToken: '',
      databaseUrl: databaseProxy.through(shared.databaseUrl),
    };
    shared.onClose(() => nats.remove());
    shared.onClose(() => natsProxy.cut());
    shared.onClose(() => databaseProxy.cut());
    database = await services.database();
    port = await freePort();
    await startOurApi();
    worker = await startWorker(services, { api, id: 'w1' });
    const id = await submit('uninterrupted');
    await training.completed(id);
    uninterrupted = await training.weightsOf(id);
  });
  afterAll(() => services.close());

  it('goes on while the API is killed and started again', async () => {
    const id = await submit('api restarted');
    await training.reached(id, 100);
    await api.kill();
    await leaseIsOver(id, 0);
    await startOurApi(api.token);
    await expectUndisturbed(id);
  });

  it('is recorded as completed when it came to its end while the API was away', async () => {
    const [trainer = 0] = await eventuallySeen(
      () => childrenOf(worker.pid),
      ({ length }) => length === 1,
      {
        what: 'there is one idle trainer',
      },
    );
    const id = await submit('ends alone');
    await training.reached(id, 100);
    await api.kill();
    await eventually(async () => !(await isAlive(trainer)), { what: 'the trainer is done', deadlineMs: 40_000 });
    await startOurApi(api.token);
    await expectUndisturbed(id);
  });

  it('goes on while NATS is killed and started again', async () => {
    const id = await submit('nats restarted');
    await training.reached(id, 100);
    await nats.stop();
    await leaseIsOver(id, 2 * LEASE_MS);
    expect((await http.get('/health/ready')).body).toMatchObject({ code: 'messaging-unavailable', status: 503 });
    await nats.start();
    await expectUndisturbed(id);
  });

  it('goes on while nothing passes to NATS and nobody is told', async () => {
    const id = await submit('nats silent');
    await training.reached(id, 100);
    natsProxy.silence();
    await leaseIsOver(id, 2 * LEASE_MS);
    expect((await http.get('/health/ready')).body).toMatchObject({ code: 'messaging-unavailable', status: 503 });
    await natsProxy.restore();
    await expectUndisturbed(id);
  });

  it.each([
    ['refuses connections', () => databaseProxy.cut()],
    ['does not answer', async () => databaseProxy.silence()],
  ])('goes on while PostgreSQL %s', async (_name, takeAway) => {
    const id = await submit('no database');
    await training.reached(id, 100);
    await takeAway();
    const ready = await http.get('/health/ready');
    expect(ready.body).toMatchObject({
      status: 503,
      code: 'database-unavailable',
      parts: { database: { status: 'down' } },
    });
    expect(ready.headers.get('content-type')).toContain('application/problem+json');
    expect(ready.body['detail']).toContain('database');
    const refused = await Promise.all([
      http.get('/operations'),
      http.get(`/operations/${id}`),
      http.post(`/operations/${id}/cancel`),
      http.post('/operations', { spec: smallSpec() }),
    ]);
    for (const { status, headers, body } of refused) {
      expect(status).toBe(503);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(headers.get('retry-after')).toBe('1');
      expect(body['code']).toBe('database-unavailable');
    }
    expect((await http.get('/health/live')).status).toBe(200);
    await leaseIsOver(id, 2 * LEASE_MS);
    await databaseProxy.restore();
    await expectUndisturbed(id);
  });

  it('saves later what could not be stored while the object store was away', async () => {
    const id = await submit('no store', 2 * EPOCHS);
    await training.reached(id, 100);
    const store = fileURLToPath(services.objectStoreUrl);
    const checkpoints = async () =>
      (await http.get(`/operations/${id}/checkpoints`)).body['items'] as { step: number; attempt: number }[];
    await rename(store, `${store}-away`);
    const before = (await training.show(id))['progress'].step as number;
    const warned = await training.until(
      id,
      ({ warnings }) => (warnings as { code: string }[]).some(({ code }) => code === 'object-store-unavailable'),
      'it is warned of',
    );
    expect(warned['status']).toBe('running');
    await training.until(id, ({ progress }) => progress.step > before + 50, 'it trains on');
    const newest = (await checkpoints())[0]?.step ?? 0;
    expect((await http.get('/health/ready')).body).toMatchObject({ status: 503, code: 'object-store-unavailable' });
    await rename(`${store}-away`, store);
    await eventually(async () => ((await checkpoints())[0]?.step ?? 0) > newest, {
      what: 'a newer checkpoint is there',
    });
    expect(await training.cancelled(id)).toMatchObject({ status: 'cancelled', attempt: 1 });
    const items = await checkpoints();
    expect(items.every(({ attempt }) => attempt === 1)).toBe(true);
  });
});

describe('an API that starts before what it needs', () => {
  let services: Services;
  let nats: NatsProcess;
  let databaseProxy: TcpProxy;
  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    await nats.stop();
    databaseProxy = await TcpProxy.before(shared.databaseUrl);
    await databaseProxy.cut();
    services = {
      ...shared,
      natsUrl: nats.url,
      natsToken: '',
      databaseUrl: databaseProxy.through(shared.databaseUrl),
    };
    shared.onClose(() => nats.remove());
    shared.onClose(() => databaseProxy.cut());
  });
  afterAll(() => services.close());

  it('lives, says what it waits for, and becomes ready when it has come', async () => {
    const port = await freePort();
    const token = 'test-token-of-an-early-bird';
    const starting = startApi(services, { port, token, name: 'early' });
    starting.catch(() => undefined); // it is waited for below
    const http = httpOf({ url: `http://127.0.0.1:${port}`, token });
    await eventually(async () => (await http.get('/health/live')).status === 200, { what: 'it lives' });
    const ready = await http.get('/health/ready');
    expect(ready).toMatchObject({
      status: 503,
      body: { parts: { database: { status: 'down' }, nats: { status: 'down' }, object_store: { status: 'up' } } },
    });
    expect(await http.get('/operations')).toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
    const log = () => readFile(join(services.folder, 'early.log'), 'utf8');
    await eventually(async () => /waiting for nats/i.test(await log()), { what: 'its log names NATS' });
    await eventually(async () => /waiting for the database/i.test(await log()), { what: 'its log names the database' });
    await databaseProxy.restore();
    await eventually(async () => (await http.get('/health/ready')).body['parts'].database?.status === 'up', {
      what: 'the database is up',
    });
    expect(await http.get('/health/ready')).toMatchObject({ status: 503, body: { code: 'messaging-unavailable' } });
    await nats.start();
    await starting;
    expect(await http.post('/operations', { spec: smallSpec() })).toMatchObject({ status: 201 });
  });
});
