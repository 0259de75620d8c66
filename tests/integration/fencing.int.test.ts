import type pg from 'pg';
import { attemptRecordOf } from './support/attempt-record.js';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { LEASE_MS, SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const EPOCHS = 40;
const KILLS = 5;
/** Eight seconds after the last kill's step: it cannot end before it is killed. */
const PACE_MS = 10;
const CLAIMED_WITHIN_MS = LEASE_MS + 2_000;

describe('a worker that has lost its lease', () => {
  let services: Services;
  let database: pg.Client;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let uninterrupted: string;
  const workers = new Map<string, RunningWorker>();
  let started = 0;

  const oneMoreWorker = async (env: Readonly<Record<string, string>> = {}, pool = 'default') => {
    started += 1;
    const worker = await startWorker(services, { api, id: `w${started}`, pool, env });
    workers.set(worker.id, worker);
  };
  const submit = (name: string, pool = 'default') =>
    training.submit({ name, pool, spec: smallSpec({ epochs: EPOCHS }) });
  const holderOf = (view: Record<string, unknown>): RunningWorker => {
    const worker = workers.get(String(view['worker_id']));
    if (!worker) throw new Error(`nobody here is ${String(view['worker_id'])}`);
    return worker;
  };
  const workerView = async (id: string) => {
    const { items } = (await http.get('/workers')).body as unknown as { items: Record<string, unknown>[] };
    return items.find(({ worker_id }) => worker_id === id) ?? {};
  };

  beforeAll(async () => {
    services = await givenServices();
    database = await services.database();
    api = await startApi(services, { env: SHORT_LEASE });
    http = httpOf(api);
    training = trainingOver(http);
    await Promise.all([oneMoreWorker(), oneMoreWorker()]);
    const id = await submit('uninterrupted');
    await training.completed(id);
    uninterrupted = await training.weightsOf(id);
  });
  afterAll(() => services.close());

  it.each([
    ['its supervisor was stopped', false],
    ['its supervisor and its trainer were stopped', true],
  ])('writes nothing more after %s, and is of use again', async (_name, isTrainerStopped) => {
    const idleTrainers = new Map<string, number>();
    for (const { id, pid } of workers.values()) {
      const [trainer] = await eventuallySeen(
        () => childrenOf(pid),
        (children) => children.length === 1,
        {
          what: `${id} has one idle trainer`,
        },
      );
      idleTrainers.set(id, trainer ?? 0);
    }
    const id = await submit('stopped');
    const stopped = holderOf(await training.reached(id, 40));
    const trainer = idleTrainers.get(stopped.id) ?? 0;
    stopped.signal('SIGSTOP');
    if (isTrainerStopped) process.kill(trainer, 'SIGSTOP');

    const taken = await training.until(
      id,
      ({ attempt, status }) => attempt === 2 && status === 'running',
      'taken over',
    );
    expect(taken['worker_id']).not.toBe(stopped.id);
    const record = attemptRecordOf(database, id);
    await eventually(
      async () => {
        const [first] = await record.attempts();
        return Date.now() - (first?.ended_at?.getTime() ?? Infinity) > LEASE_MS;
      },
      { what: 'it has been without its lease for another lease' },
    );
    if (isTrainerStopped) process.kill(trainer, 'SIGCONT');
    stopped.signal('SIGCONT');

    const view = await training.completed(id);
    expect(view).toMatchObject({ attempt: 2, recoveries: 1 });
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    await eventually(async () => !(await isAlive(trainer)), { what: 'its trainer is gone' });
    await eventuallySeen(
      () => workerView(stopped.id),
      ({ status, free_slots }) => status === 'available' && free_slots === 1,
      {
        what: 'its slot is free',
      },
    );
    expect(await record.writesAfterItsEnd(1)).toEqual([]);
    expect(await record.areDisjoint()).toBe(true);

    const next = await Promise.all([submit('one each'), submit('one each')]);
    const views = await Promise.all(next.map((one) => training.reached(one, 1)));
    expect(views.map(({ worker_id }) => worker_id as string).toSorted()).toEqual([...workers.keys()].toSorted());
    await Promise.all(next.map((one) => training.cancelled(one)));
  });

  it(`is replaced within the lease and two seconds after each of ${KILLS} kills`, async () => {
    const env = { KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS) };
    await Promise.all([oneMoreWorker(env, 'killed'), oneMoreWorker(env, 'killed')]);
    const id = await submit('killed', 'killed');
    const killedAt: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const before = await training.until(
        id,
        ({ status, attempt, progress }) => status === 'running' && attempt === kill && progress?.step >= kill * 60,
        `attempt ${kill} is under way`,
      );
      const worker = holderOf(before);
      workers.delete(worker.id);
      killedAt.push(Date.now());
      await Promise.all([worker.kill(), oneMoreWorker(env, 'killed')]);
    }
    await training.completed(id);
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    const record = attemptRecordOf(database, id);
    const attempts = await record.attempts();
    expect(attempts).toHaveLength(KILLS + 1);
    const waits = killedAt.map((at, index) => (attempts[index + 1]?.claimed_at.getTime() ?? Infinity) - at);
    expect(waits.filter((ms) => ms > CLAIMED_WITHIN_MS)).toEqual([]);
    expect(await record.areDisjoint()).toBe(true);
  });
});
