import type pg from 'pg';
import { freePort } from '../../tools/stack/free-port.js';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { RawRequest } from './support/raw-request.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';
import { sweepBeforehand } from './support/upkeep.js';

const EPOCHS = 16;
/** What is read before a restart and after it is to differ by nothing: nothing is cleaned up meanwhile either. */
const KEPT = { every_epochs: 1, keep_last: 100 };

interface HistoryRow {
  readonly event: string;
  readonly to: string;
  readonly actor: string;
  readonly details: Record<string, unknown>;
}

describe('a restart', () => {
  let services: Services;
  let database: pg.Client;
  let port: number;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let uninterrupted: string;
  const workers = new Map<string, RunningWorker>();
  let started = 0;

  const oneMoreWorker = async (pool = 'default') => {
    started += 1;
    const worker = await startWorker(services, { api, id: `w${started}`, pool });
    workers.set(worker.id, worker);
    return worker;
  };
  const holderOf = (view: Record<string, unknown>): RunningWorker => {
    const worker = workers.get(String(view['worker_id']));
    if (!worker) throw new Error(`nobody here is ${String(view['worker_id'])}`);
    return worker;
  };
  const startOurApi = async (token?: string) => {
    api = await startApi(services, { env: SHORT_LEASE, port, name: 'api', ...(token ? { token } : {}) });
    http = httpOf(api);
    training = trainingOver(http);
  };
  const submit = (name: string, { spec = {}, ...rest }: Record<string, unknown> & { spec?: object } = {}) =>
    training.submit({ name, spec: smallSpec({ epochs: EPOCHS, checkpoint: KEPT, ...spec }), ...rest });
  const historyOf = async (id: string) =>
    (await http.get(`/operations/${id}/history`)).body['items'] as readonly HistoryRow[];
  /** The trainer that each idle worker keeps ready, and that its next operation gets. */
  const idleTrainers = async () => {
    const trainers = new Map<string, number>();
    for (const { id, pid } of workers.values()) {
      const [trainer = 0] = await eventuallySeen(
        () => childrenOf(pid),
        ({ length }) => length === 1,
        { what: `${id} has one idle trainer` },
      );
      trainers.set(id, trainer);
    }
    return trainers;
  };
  const expectUninterruptedResult = async (id: string) => {
    const view = await training.completed(id);
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    return view;
  };

  beforeAll(async () => {
    services = await givenServices();
    database = await services.database();
    port = await freePort();
    await startOurApi();
    await sweepBeforehand(http);
    await Promise.all([oneMoreWorker(), oneMoreWorker()]);
    const id = await submit('uninterrupted');
    await training.completed(id);
    uninterrupted = await training.weightsOf(id);
  });
  afterAll(() => services.close());

  describe('of the API', () => {
    it('changes nothing of what can be read, nor the order of the queue', async () => {
      const cancelled = await submit('cancelled', { labels: { team: 'a' } });
      await training.reached(cancelled, 30);
      await training.cancelled(cancelled);
      const failed = await submit('failed', { spec: { data: { source: 'nothing.csv' } } });
      await training.settled(failed);
      const paused = await submit('paused');
      await training.reached(paused, 30);
      await http.post(`/operations/${paused}/pause`);
      await training.settled(paused);
      const queue: string[] = [];
      for (const priority of [0, 5, 0, -5, 5])
        queue.push(await submit('queued', { pool: 'later', priority, spec: { epochs: 1 } }));
      const inOrder = [1, 4, 0, 2, 3].map((index) => queue[index]);

      const listed = (await http.get('/operations')).body['items'] as { operation_id: string }[];
      const ids = listed.map(({ operation_id }) => operation_id);
      const parts = ['', '/history', '/events?limit=1000', '/checkpoints', '/metrics'];
      const paths = ['/operations', '/operations?status=failed,cancelled', '/checkpoints/stats'].concat(
        ids.flatMap((id) => parts.map((part) => `/operations/${id}${part}`)),
      );
      const readAll = () => Promise.all(paths.map(async (path) => [path, withoutClocks((await http.get(path)).body)]));
      const before = await readAll();
      await api.kill();
      await startOurApi(api.token);
      expect(await readAll()).toEqual(before);

      for (const [index, id] of inOrder.entries()) {
        expect((await training.show(String(id)))['queue_position']).toBe(index + 1);
      }
      const late = await oneMoreWorker('later');
      const { rows } = await eventuallySeen(
        () =>
          database.query<{ operation_id: string }>(
            'SELECT operation_id FROM attempts WHERE worker_id = $1 ORDER BY claimed_at',
            [late.id],
          ),
        ({ rowCount }) => rowCount === queue.length,
        { what: 'all of the queue was taken', deadlineMs: 50_000 },
      );
      expect(rows.map(({ operation_id }) => operation_id)).toEqual(inOrder);
      await training.completed(String(inOrder.at(-1)));
      workers.delete(late.id);
      await late.stop();
    });

    it('finishes the requests under way when it is asked to end, and answers 503 to new ones', async () => {
      const body = JSON.stringify({ name: 'under way', spec: smallSpec(), pool: 'nobody' });
      const head = (line: string) => `${line} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${api.token}\r\n`;
      const submission = `${head('POST /operations')}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      const underWay = await RawRequest.begin(api.url, submission + body.slice(0, 10));
      const late = await RawRequest.begin(api.url, head('GET /operations'));
      // Both have arrived once a request that came after them has been answered.
      expect((await http.get('/operations')).status).toBe(200);
      api.signal('SIGTERM');
      await eventually(async () => (await api.logs()).includes('stopping on SIGTERM'), { what: 'it is stopping' });

      await late.send('\r\n');
      const refused = await late.answer();
      expect(refused.status).toBe(503);
      expect(refused.head.toLowerCase()).toContain('content-type: application/problem+json');
      expect(refused.head.toLowerCase()).toContain('retry-after: 1');
      expect(JSON.parse(refused.body)).toMatchObject({ code: 'shutting-down', status: 503 });

      await underWay.send(body.slice(10));
      const finished = await underWay.answer();
      expect(finished.status).toBe(201);
      const exit = await api.exited;
      const log = await api.logs();
      await startOurApi(api.token);
      expect({ ...exit, log }).toMatchObject({ code: 0 });
      const { operation_id: id } = JSON.parse(finished.body) as { operation_id: string };
      expect(await training.show(id)).toMatchObject({ name: 'under way', status: 'queued' });
    });

    it('does not disturb what trains when it is asked to end', async () => {
      const id = await submit('api asked to end');
      await training.reached(id, 30);
      expect(await api.stop()).toEqual({ code: 0, signal: null });
      await startOurApi(api.token);
      expect(await expectUninterruptedResult(id)).toMatchObject({ attempt: 1, recoveries: 0 });
    });
  });

  describe('of a worker', () => {
    it('saves and hands its operation over when it is asked to end', async () => {
      const id = await submit('worker asked to end');
      const leaving = holderOf(await training.reached(id, 60));
      workers.delete(leaving.id);
      expect(await leaving.stop()).toEqual({ code: 0, signal: null });
      const { items } = (await http.get(`/operations/${id}/checkpoints`)).body as { items: Record<string, unknown>[] };
      const saved = items.find(({ checkpoint_type }) => checkpoint_type === 'shutdown');
      expect(saved).toMatchObject({ attempt: 1 });
      const view = await expectUninterruptedResult(id);
      expect(view).toMatchObject({ attempt: 2, recoveries: 0, warnings: [] });
      const { rows } = await database.query(
        'SELECT worker_id <> $2 AS other, start_step FROM attempts WHERE operation_id = $1 AND attempt = 2',
        [id, leaving.id],
      );
      expect(rows).toEqual([{ other: true, start_step: saved?.['step'] }]);
      await oneMoreWorker();
    });

    it('leaves at once when it is asked twice', async () => {
      const trainers = await idleTrainers();
      const id = await submit('asked twice');
      const leaving = holderOf(await training.reached(id, 60));
      workers.delete(leaving.id);
      const trainer = trainers.get(leaving.id) ?? 0;
      process.kill(trainer, 'SIGSTOP'); // it cannot save, so that the worker would wait for its whole grace
      leaving.signal('SIGTERM');
      await eventually(async () => (await leaving.logs()).includes('asked to stop'), { what: 'it is stopping' });
      const askedAgainAt = performance.now();
      leaving.signal('SIGTERM');
      expect(await leaving.exited).toEqual({ code: 130, signal: null });
      expect(performance.now() - askedAgainAt).toBeLessThan(2_000);
      await eventually(async () => !(await isAlive(trainer)), { what: 'its trainer is gone' });
      expect(await expectUninterruptedResult(id)).toMatchObject({ attempt: 2, recoveries: 1 });
      await oneMoreWorker();
    });
  });

  describe('of a trainer', () => {
    const killTrainerOf = async (id: string, step: number, trainers: ReadonlyMap<string, number>) => {
      const { id: holder } = holderOf(await training.reached(id, step));
      process.kill(trainers.get(holder) ?? 0, 'SIGKILL');
    };

    it('that was killed is recovered from its last checkpoint within the budget', async () => {
      const trainers = await idleTrainers();
      const id = await submit('trainer killed');
      await killTrainerOf(id, 60, trainers);
      expect(await expectUninterruptedResult(id)).toMatchObject({ attempt: 2, recoveries: 1, error: null });
      const history = await historyOf(id);
      expect(history.map(({ event }) => event)).toEqual(['submit', 'claim', 'crash', 'claim', 'complete']);
      expect(history[2]).toMatchObject({
        to: 'resuming',
        details: { error: { code: 'trainer-crashed', details: { signal: 'SIGKILL' } } },
      });
    });

    it('that was killed before its first checkpoint begins again', async () => {
      const trainers = await idleTrainers();
      const id = await submit('killed early', { spec: { checkpoint: { every_steps: 100_000 } } });
      await killTrainerOf(id, 20, trainers);
      expect(await expectUninterruptedResult(id)).toMatchObject({ attempt: 2, recoveries: 1 });
      expect((await historyOf(id)).find(({ event }) => event === 'crash')).toMatchObject({ to: 'queued' });
    });

    it('that was killed with no budget fails, and is resumed by hand', async () => {
      const trainers = await idleTrainers();
      const id = await submit('no budget', { max_recoveries: 0 });
      await killTrainerOf(id, 60, trainers);
      const view = await training.settled(id);
      expect(view).toMatchObject({ status: 'failed', attempt: 1, recoveries: 0 });
      expect(view['error']).toMatchObject({ code: 'trainer-crashed', details: { signal: 'SIGKILL' } });
      expect(view['error'].message).toContain('killed');
      expect(await http.post(`/operations/${id}/resume`)).toMatchObject({
        status: 202,
        body: { resumed_from: { checkpoint_type: 'periodic' } },
      });
      expect(await expectUninterruptedResult(id)).toMatchObject({ attempt: 2, error: null });
    });
  });
});

/** What waits, waits longer at each look. */
function withoutClocks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutClocks);
  if (typeof value !== 'object' || value === null) return value;
  const isWaiting = 'queue_position' in value && value.queue_position !== null;
  const isPaused = 'status' in value && value.status === 'paused';
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const isRunning = (name === 'queued_seconds' && isWaiting) || (name === 'paused_seconds' && isPaused);
      return [name, isRunning ? 'running' : withoutClocks(field)];
    }),
  );
}
