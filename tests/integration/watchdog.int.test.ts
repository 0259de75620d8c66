import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const COUNTING = join(import.meta.dirname, 'support/fixtures/counting-trainer.mjs');
const STEPS = { steps: 120, steps_per_epoch: 20, step_ms: 5 };
/** After its first save and before its second, which is made only if the first is stored by then. */
const STUCK_AT = 30;
const WATCHDOG_SECONDS = 1;

/** What counting to the end without any interruption gives. */
const COUNTED = Array.from({ length: STEPS.steps }).reduce<number>(
  (value, _, index) => (value * 31 + (index + 1) * 7 + 1) % 1_000_003,
  1,
);

describe('the verdict on a trainer that makes no steps', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let pools = 0;

  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services, { env: SHORT_LEASE });
    http = httpOf(api);
    training = trainingOver(http);
  });
  afterAll(() => services.close());

  /** A pool of its own: one worker whose trainer counts, and does this on its first attempt. */
  const givenWorker = async (behaviour: Record<string, unknown> = {}, pool = `pool-${(pools += 1)}`) => {
    const command = [process.execPath, COUNTING, JSON.stringify({ ...STEPS, ...behaviour })];
    const env = { KTRDR_TRAINER_COMMAND: JSON.stringify(command) };
    return { pool, worker: await startWorker(services, { api, id: `${pool}-${process.hrtime.bigint()}`, pool, env }) };
  };
  /** Orders that the trainers of a worker look for. */
  const givenOrders = async (what: string) => {
    const orders = await mkdtemp(join(tmpdir(), 'ktrdr-watchdog-'));
    await mkdir(join(orders, what));
    return {
      orders,
      give: (id: string) => writeFile(join(orders, what, id), ''),
      takeBack: () => rm(orders, { recursive: true }),
    };
  };
  const submit = (pool: string, onStall: 'warn' | 'pause' | 'fail', seconds = WATCHDOG_SECONDS) =>
    training.submit({ pool, spec: smallSpec({ backend: 'cpu' }), watchdog: { seconds, on_stall: onStall } });
  /** The oldest; the next one is kept warm. */
  const trainerOf = async ({ pid }: RunningWorker) => (await childrenOf(pid))[0] ?? 0;
  const eventsOf = async (id: string) =>
    (await http.get(`/operations/${id}/events?limit=1000`)).body['items'] as {
      readonly type: string;
      readonly attempt: number;
      readonly data: Readonly<Record<string, unknown>>;
    }[];
  const historyOf = async (id: string) => {
    const { body } = await http.get(`/operations/${id}/history`);
    return (body['items'] as { event: string; actor: string }[]).map(({ event, actor }) => `${event} by ${actor}`);
  };
  const isStuck = (id: string) =>
    training.until(id, ({ stuck_since }) => stuck_since !== null, `${id} is found stuck`, 20_000);
  const expectStuckEvent = async (id: string, { id: workerId }: RunningWorker) => {
    const stuck = (await eventsOf(id)).filter(({ type }) => type === 'stuck');
    const message = `no step for ${WATCHDOG_SECONDS} s although worker ${workerId} is alive`;
    expect(stuck).toMatchObject([{ attempt: 1, data: { message } }]);
  };
  const expectFree = async (trainer: number, { id }: RunningWorker) => {
    await eventually(async () => !(await isAlive(trainer)), { what: 'the stuck trainer is gone' });
    await eventuallySeen(
      async () => (await http.get('/workers')).body['items'] as { worker_id: string; free_slots: number }[],
      (workers) => workers.some(({ worker_id, free_slots }) => worker_id === id && free_slots === 1),
      { what: `${id} is free` },
    );
  };
  const expectCounted = async (id: string) => {
    const view = await training.completed(id);
    expect(view['result']).toMatchObject({ value: COUNTED });
    return view;
  };

  it('is stuck when the system has stopped it: a warning, and nothing else until it goes on', async () => {
    const held = await givenOrders('held');
    const { pool, worker } = await givenWorker({ orders: held.orders, hold_at: 20 });
    const id = await submit(pool, 'warn');
    await held.give(id);
    await training.reached(id, 20);
    const trainer = await trainerOf(worker);
    process.kill(trainer, 'SIGSTOP');
    await held.takeBack();
    const stuck = await isStuck(id);
    expect(stuck).toMatchObject({ status: 'running', attempt: 1, worker_id: worker.id });
    expect(stuck['warnings']).toMatchObject([{ code: 'trainer-stalled' }]);
    await expectStuckEvent(id, worker);
    const { body } = await http.get(`/operations/${id}/explain`);
    expect(body['reasons']).toContainEqual(expect.objectContaining({ code: 'trainer-stalled' }));
    process.kill(trainer, 'SIGCONT');
    await training.until(id, ({ stuck_since }) => stuck_since === null, 'it is not stuck any more');
    expect(await expectCounted(id)).toMatchObject({ attempt: 1, recoveries: 0 });
  });

  it('is not stuck when all is done and its last save waits for the store, however long', async () => {
    const held = await givenOrders('held');
    const { pool } = await givenWorker({ orders: held.orders, hold_at: 100, tells_while_held: true });
    const store = fileURLToPath(services.objectStoreUrl);
    const id = await submit(pool, 'fail');
    await held.give(id);
    await training.until(id, (view) => view['latest_checkpoint']?.step === 100, 'its saves of before are stored');
    await rename(store, `${store}-away`);
    try {
      await held.takeBack();
      await training.until(id, ({ progress }) => progress?.step === STEPS.steps, 'it has made its last step');
      await new Promise((resolve) => setTimeout(resolve, 4 * WATCHDOG_SECONDS * 1000)); // what must not happen in it
      expect(await training.show(id)).toMatchObject({ status: 'running', attempt: 1 });
    } finally {
      await rename(`${store}-away`, store);
    }
    const view = await expectCounted(id);
    expect(view).toMatchObject({ attempt: 1, recoveries: 0 });
    expect((await eventsOf(id)).filter(({ type }) => type === 'stuck')).toEqual([]);
  });

  it('is stuck when it spins: it cannot save, so it is paused at its last checkpoint, and its worker is free', async () => {
    const { pool, worker } = await givenWorker({ spin_at: STUCK_AT });
    const id = await submit(pool, 'pause');
    await training.reached(id, 20);
    const trainer = await trainerOf(worker);
    const pausing = await training.until(id, ({ status }) => status === 'pausing', 'a pause is asked for');
    expect(pausing['pause']).toMatchObject({ cause: 'stall', requested_by: 'policy:watchdog' });
    await expectStuckEvent(id, worker);
    const paused = await training.settled(id);
    expect(paused).toMatchObject({ status: 'paused', attempt: 1, latest_checkpoint: { step: 20 } });
    expect(paused['warnings'].map(({ message }: { message: string }) => message).join()).toContain('last checkpoint');
    expect(await historyOf(id)).toEqual([
      'submit by client:bootstrap',
      `claim by worker:${worker.id}`,
      'pause by policy:watchdog',
      'release by policy:watchdog',
    ]);
    await expectFree(trainer, worker);
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed).toMatchObject({ status: 202, body: { resumed_from: { step: 20 } } });
    expect(await expectCounted(id)).toMatchObject({ attempt: 2 });
  });

  it('is stuck when it waits for ever: it is failed, and its worker is free', async () => {
    const { pool, worker } = await givenWorker({ idle_at: STUCK_AT });
    const id = await submit(pool, 'fail');
    await training.reached(id, 20);
    const trainer = await trainerOf(worker);
    const failed = await training.settled(id);
    expect(failed).toMatchObject({ status: 'failed', attempt: 1, recoveries: 0, error: { code: 'trainer-stalled' } });
    await expectStuckEvent(id, worker);
    expect((await historyOf(id)).at(-1)).toBe('fail by policy:watchdog');
    await expectFree(trainer, worker);
    expect((await training.show(id))['status']).toBe('failed'); // nobody has recovered it behind the policy's back
    await http.post(`/operations/${id}/resume`);
    expect(await expectCounted(id)).toMatchObject({ attempt: 2, error: null });
  });

  it('is alive when each step takes long, but not as long as the watchdog allows', async () => {
    const { pool } = await givenWorker({ steps: 8, steps_per_epoch: 4, step_ms: 400 });
    const id = await submit(pool, 'fail');
    await training.completed(id);
    expect((await eventsOf(id)).filter(({ type }) => type === 'stuck')).toEqual([]);
  });

  it.each(['SIGSTOP', 'SIGKILL'] as const)(
    'is dead, not stuck, when its worker gets a %s: another worker goes on',
    async (signal) => {
      const { pool, worker } = await givenWorker({ step_ms: 10 });
      // Shorter than the lease: silence alone is no sign of a stuck trainer.
      const id = await submit(pool, 'fail', 0.5);
      await training.reached(id, 30);
      const trainer = await trainerOf(worker);
      worker.signal(signal);
      if (signal === 'SIGSTOP') process.kill(trainer, signal);
      await givenWorker({}, pool);
      expect(await expectCounted(id)).toMatchObject({ attempt: 2, recoveries: 1, error: null });
      expect((await eventsOf(id)).filter(({ type }) => type === 'stuck')).toEqual([]);
      expect((await historyOf(id)).slice(2, 3)).toEqual(['lease-expired by sweeper']);
      if (signal === 'SIGKILL') return expect(await isAlive(trainer)).toBe(false);
      worker.signal('SIGCONT');
      await eventually(async () => !(await isAlive(trainer)), { what: 'it ends the trainer that it has lost' });
      expect((await eventsOf(id)).filter(({ type, attempt }) => type === 'progress' && attempt === 1)).not.toEqual([]);
    },
  );
});
