import type pg from 'pg';
import { fileURLToPath } from 'node:url';
import { rename, stat } from 'node:fs/promises';
import { freePort } from '../../tools/stack/free-port.js';
import { attemptRecordOf } from './support/attempt-record.js';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { NatsProcess } from './support/nats-process.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { LEASE_MS, SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { trainingOver } from './support/training.js';

/** How long each part is away. Two leases are enough for every clock to run out; `npm test` does not wait longer. */
const OUTAGE_MS = Number(process.env['KTRDR_OUTAGE_SECONDS'] ?? (2 * LEASE_MS) / 1000) * 1000;
const PACE_MS = 8;
/** Of the small spec, which the first test checks. */
const STEPS_PER_EPOCH = 28;
/** So many that no training ends before what it needs has been away for long enough, however fast the machine is. */
const EPOCHS = Math.ceil((1.1 * OUTAGE_MS + 3_000) / (PACE_MS * STEPS_PER_EPOCH));
/** Over before the shortest outage is. */
const SOON_OVER_EPOCHS = 14;
/** A silent peer is noticed by its missing answers, which takes longer than a refused connection. */
const BACK_WITHIN_MS = 40_000 + 3 * OUTAGE_MS;
const REFERENCE_POOL = 'reference';
/** Shorter than any outage: whoever took our silence for the trainer's would end what is well. */
const WATCHDOG = { seconds: 2.5, on_stall: 'fail' };

const TEST_MS = 2 * BACK_WITHIN_MS + OUTAGE_MS;

describe('training through an outage', () => {
  let services: Services;
  let nats: NatsProcess;
  let natsProxy: TcpProxy;
  let databaseProxy: TcpProxy;
  let database: pg.Client;
  let port: number;
  let api: RunningApi;
  let isApiUp = false;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let worker: RunningWorker;
  let store: string;
  let uninterrupted: string;
  const submitted: string[] = [];

  const startOurApi = async (token?: string) => {
    api = await startApi(services, { env: SHORT_LEASE, port, name: 'api', ...(token ? { token } : {}) });
    isApiUp = true;
    http = httpOf(api);
    training = trainingOver(http);
  };
  const killApi = async () => {
    isApiUp = false;
    await api.kill();
  };
  const submit = async (name: string, { pool = 'default', epochs = EPOCHS } = {}) => {
    const spec = smallSpec({ epochs, checkpoint: { every_seconds: 0.5 } });
    const id = await training.submit({ name, pool, spec, watchdog: WATCHDOG });
    submitted.push(id);
    return id;
  };
  const underWay = async (name: string, epochs = EPOCHS) => {
    const id = await submit(name, { epochs });
    const view = await training.reached(id, 50);
    if (view['status'] !== 'running') throw new Error(`${id} is ${view['status']} before anything was taken away`);
    return id;
  };

  /** From now on for as long as an outage is to last, and past the lease by the database, asked past the proxy. */
  const awayLongEnough = (id: string) => {
    const since = performance.now();
    const isOver = async () => {
      const { rows } = await database.query<{ over: boolean | null; status: string }>(
        `SELECT status, lease_expires_at + $2 * interval '1 millisecond' < clock_timestamp() AS over
         FROM operations WHERE id = $1`,
        [id, LEASE_MS],
      );
      return { ...rows[0], awayMs: Math.round(performance.now() - since) };
    };
    return eventuallySeen(isOver, ({ over, awayMs }) => over === true && awayMs >= OUTAGE_MS, {
      what: `the outage of ${OUTAGE_MS} ms is over, and the lease of ${id} has been for a while`,
      deadlineMs: BACK_WITHIN_MS,
    });
  };

  const eventsOf = async (id: string) => {
    const all: { seq: number; type: string; data: Record<string, number> }[] = [];
    for (;;) {
      const { body } = await http.get(`/operations/${id}/events?limit=1000&after=${all.at(-1)?.seq ?? 0}`);
      const items = body['items'] as typeof all;
      if (items.length === 0) return all;
      all.push(...items);
    }
  };

  /** No restart, no step twice, nothing untold, and the weights of a training that nothing has disturbed. */
  const expectUndisturbed = async (id: string, what: string) => {
    const view = await training.until(id, ({ status }) => status === 'completed', 'completed', BACK_WITHIN_MS);
    expect(view).toMatchObject({ attempt: 1, recoveries: 0 });
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    const attempts = await attemptRecordOf(database, id).attempts();
    expect(attempts).toMatchObject([{ attempt: 1, outcome: 'complete' }]);
    const lastStep = view['progress'].steps as number;
    const events = await eventuallySeen(
      () => eventsOf(id),
      (found) => found.some(({ type, data }) => type === 'progress' && data['step'] === lastStep),
      { what: 'the last step has been told' },
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'stuck')).toEqual([]);
    expect(events.filter(({ type }) => type === 'started')).toMatchObject([{ data: { step: 0, lost_steps: 0 } }]);
    const steps = events.flatMap(({ type, data }) => (type === 'progress' ? [data['step'] ?? 0] : []));
    const again = steps.filter((step, index) => index > 0 && step <= (steps[index - 1] ?? 0));
    expect(again).toEqual([]);
    process.stderr.write(
      `outage: ${what}: ${view['recoveries']} restarts, ${again.length} of ${lastStep} steps lost\n`,
    );
  };
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    natsProxy = await TcpProxy.before(nats.url);
    databaseProxy = await TcpProxy.before(shared.databaseUrl);
    services = {
      ...shared,
      natsUrl: natsProxy.through(nats.url),
      databaseUrl: databaseProxy.through(shared.databaseUrl),
    };
    store = fileURLToPath(services.objectStoreUrl);
    shared.onClose(() => nats.remove());
    shared.onClose(() => natsProxy.cut());
    shared.onClose(() => databaseProxy.cut());
    database = await services.database();
    port = await freePort();
    await startOurApi();
    const env = { KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS) };
    worker = await startWorker(services, { api, id: 'w1', env });
    const fast = await startWorker(services, { api, id: 'fast', pool: REFERENCE_POOL });
    const id = await submit('uninterrupted', { pool: REFERENCE_POOL });
    const view = await training.completed(id);
    expect(view['progress'].steps).toBe(EPOCHS * STEPS_PER_EPOCH);
    uninterrupted = await training.weightsOf(id);
    await fast.stop();
  }, TEST_MS);
  /** Whatever a test has left away is given back, so that the next one finds everything as it should be. */
  afterEach(async () => {
    if (!nats.isRunning) await nats.start();
    await natsProxy.restore();
    await databaseProxy.restore();
    if (await exists(`${store}-away`)) await rename(`${store}-away`, store);
    if (!isApiUp) await startOurApi(api.token);
    await eventually(async () => (await http.get('/health/ready')).status === 200, { what: 'the API is ready' });
    for (const id of submitted.splice(0)) {
      await http.post(`/operations/${id}/cancel`, { save: false });
      await training.settled(id);
    }
  }, TEST_MS);
  afterAll(() => services.close());

  it(
    'goes on while the API is killed and started again',
    async () => {
      const id = await underWay('api restarted');
      await killApi();
      const { awayMs } = await awayLongEnough(id);
      await startOurApi(api.token);
      await expectUndisturbed(id, `API away for ${seconds(awayMs)}`);
    },
    TEST_MS,
  );

  it(
    'is recorded as completed when it came to its end while the API was away',
    async () => {
      const [trainer = 0] = await eventuallySeen(
        () => childrenOf(worker.pid),
        ({ length }) => length === 1,
        { what: 'there is one idle trainer' },
      );
      const id = await underWay('ends alone');
      await killApi();
      await eventually(async () => !(await isAlive(trainer)), {
        what: 'the trainer is done',
        deadlineMs: BACK_WITHIN_MS,
      });
      await startOurApi(api.token);
      await expectUndisturbed(id, 'API away at the end');
    },
    TEST_MS,
  );

  it(
    'goes on while NATS is killed and started again',
    async () => {
      const id = await underWay('nats restarted');
      await nats.stop();
      const { awayMs } = await awayLongEnough(id);
      expect((await http.get('/health/ready')).body).toMatchObject({ code: 'messaging-unavailable', status: 503 });
      await nats.start();
      await expectUndisturbed(id, `NATS away for ${seconds(awayMs)}`);
    },
    TEST_MS,
  );

  it(
    'goes on while nothing passes to NATS and nobody is told',
    async () => {
      const id = await underWay('nats silent');
      natsProxy.silence();
      const { awayMs } = await awayLongEnough(id);
      expect((await http.get('/health/ready')).body).toMatchObject({ code: 'messaging-unavailable', status: 503 });
      await natsProxy.restore();
      await expectUndisturbed(id, `NATS silent for ${seconds(awayMs)}`);
    },
    TEST_MS,
  );

  it(
    'is completed though it ended while nothing passed to NATS',
    async () => {
      const id = await underWay('ends in silence', SOON_OVER_EPOCHS);
      natsProxy.silence();
      await awayLongEnough(id);
      expect((await http.get('/health/ready')).status).toBe(503);
      await natsProxy.restore();
      const view = await training.until(id, ({ status }) => status === 'completed', 'completed', BACK_WITHIN_MS);
      expect(view).toMatchObject({ attempt: 1, recoveries: 0, warnings: [] });
    },
    TEST_MS,
  );

  it.each([
    ['refuses connections', () => databaseProxy.cut()],
    ['does not answer', async () => databaseProxy.silence()],
  ])(
    'goes on while PostgreSQL %s',
    async (what, takeAway) => {
      const id = await underWay('no database');
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
      const { awayMs } = await awayLongEnough(id);
      await databaseProxy.restore();
      await expectUndisturbed(id, `PostgreSQL ${what} for ${seconds(awayMs)}`);
    },
    TEST_MS,
  );

  it(
    'saves later what could not be stored while the object store was away',
    async () => {
      const id = await underWay('no store');
      const checkpoints = async () =>
        (await http.get(`/operations/${id}/checkpoints`)).body['items'] as { step: number; attempt: number }[];
      await rename(store, `${store}-away`);
      const since = performance.now();
      const before = (await training.show(id))['progress'].step as number;
      const warned = await training.until(
        id,
        ({ warnings }) => (warnings as { code: string }[]).some(({ code }) => code === 'object-store-unavailable'),
        'it is warned of',
      );
      expect(warned['status']).toBe('running');
      await training.until(id, ({ progress }) => progress.step > before + 50, 'it trains on');
      expect((await http.get('/health/ready')).body).toMatchObject({ status: 503, code: 'object-store-unavailable' });
      await eventually(() => performance.now() - since >= OUTAGE_MS, {
        what: 'it is over',
        deadlineMs: BACK_WITHIN_MS,
      });
      const newest = (await checkpoints())[0]?.step ?? 0;
      const awayMs = performance.now() - since;
      await rename(`${store}-away`, store);
      await eventually(async () => ((await checkpoints())[0]?.step ?? 0) > newest, {
        what: 'a newer checkpoint is there',
        deadlineMs: BACK_WITHIN_MS,
      });
      await expectUndisturbed(id, `object store away for ${seconds(awayMs)}`);
      expect((await checkpoints()).every(({ attempt }) => attempt === 1)).toBe(true);
    },
    TEST_MS,
  );
});

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
