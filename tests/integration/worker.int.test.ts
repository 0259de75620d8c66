import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NatsSession } from '@ktrdr/messaging-nats';
import { NatsProcess, until } from './support/nats-process.js';
import { openSession, testApiUser } from './support/nats-users.js';
import { ScriptedApi } from './support/scripted-api.js';
import { ScriptedCredentials } from './support/scripted-credentials.js';

const WORKER = join(import.meta.dirname, '../../apps/training-worker/dist/main.js');
const TRAINER = join(import.meta.dirname, 'support/fixtures/counting-trainer.mjs');
const STEPS = 60;
const SPEC = { steps: STEPS, steps_per_epoch: 20, step_ms: 5 };

let nats: NatsProcess;
let session: NatsSession;
let credentials: ScriptedCredentials;
let folder: string;
let prefix: string;
let api: ScriptedApi;
const workers: { child: ChildProcess; id: string; log: () => string }[] = [];

beforeAll(async () => {
  nats = await NatsProcess.start();
});
beforeEach(async () => {
  prefix = `t${randomBytes(4).toString('hex')}`;
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-worker-'));
  session = await openSession({ url: nats.url, prefix }, testApiUser(), 'api');
  credentials = await ScriptedCredentials.start(nats.url);
});
afterEach(async () => {
  for (const { child } of workers.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await api.close();
  await session.close();
  await credentials.close();
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => nats.remove());

async function givenApi(spec: Record<string, unknown> = {}): Promise<ScriptedApi> {
  api = new ScriptedApi(session, credentials, `op_training_20261122_101500_${randomBytes(3).toString('hex')}`, {
    ...SPEC,
    ...spec,
  });
  api.start();
  api.offer();
  return api;
}

function givenWorker(id = 'w1', env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [WORKER], {
    env: {
      PATH: process.env['PATH'],
      ...credentials.environment,
      KTRDR_NATS_PREFIX: prefix,
      KTRDR_OBJECT_STORE_URL: pathToFileURL(join(folder, 'objects')).href,
      KTRDR_WORKER_ID: id,
      KTRDR_WORKER_DIR: join(folder, id),
      KTRDR_TRAINER_COMMAND: JSON.stringify([process.execPath, TRAINER]),
      LOG_LEVEL: 'debug',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const worker = { child, id, log: () => log };
  workers.push(worker);
  return worker;
}

const reaches = (status: string): Promise<void> =>
  until(() => api.status === status, `the operation is ${status}`).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${api.status}\n${workers.map(({ log }) => log()).join('\n')}`);
  });
const trains = (step = 1): Promise<void> => until(() => api.steps().some((at) => at >= step), `step ${step}`);

/** Seen by a heartbeat that came after the loss: one without leases may also be from before the claim. */
async function losesItsLease(then: () => unknown = () => undefined): Promise<void> {
  const beats = api.callsOf('heartbeat').length;
  api.takeAway();
  then();
  await until(() => api.callsOf('heartbeat').slice(beats).at(-1)?.leases.length === 0, 'the lease is given up');
}

/** What counting without any interruption gives. */
function expectedValue(steps = STEPS): number {
  let value = 1;
  for (let step = 1; step <= steps; step += 1) value = (value * 31 + step * 7 + 1) % 1_000_003;
  return value;
}
const resultOf = (): unknown => api.callsOf('completed').at(-1)?.result;

describe('a worker', () => {
  it('trains to the end, commits the checkpoints and reports in order', async () => {
    await givenApi();
    givenWorker();
    await reaches('completed');
    expect(resultOf()).toEqual({ value: expectedValue() });
    expect(api.callsOf('restored')).toMatchObject([{ step: 0, backend: 'cpu', checkpoint_id: null }]);
    expect(api.callsOf('register')[0]?.capabilities).toEqual(['type:training', 'backend:cpu', 'trainer:counting@1']);
    const kinds = api.checkpoints.map(({ kind }) => kind);
    expect(kinds.at(-1)).toBe('final');
    expect(api.callsOf('completed')[0]?.checkpoint_id).toBe(api.checkpoints.at(-1)?.id);
    await until(() => api.events.some(({ body }) => body.type === 'log'), 'the log arrives');
    await until(() => api.steps().at(-1) === STEPS, 'the last progress arrives');
    const numbers = api.events.map(({ n }) => n);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it('pauses with a committed checkpoint and no trainer left, and another continues with the same result', async () => {
    await givenApi({ steps: 300 });
    const first = givenWorker('w1');
    await trains(25);
    api.status = 'pausing';
    api.directive = { kind: 'pause', boundary: 'step' };
    api.hint('w1');
    await reaches('paused');
    const pause = api.checkpoints.at(-1);
    expect(pause?.kind).toBe('pause');
    expect(api.callsOf('paused')).toMatchObject([
      {
        checkpoint_id: pause?.id,
        step: pause?.step,
        snapshot: { trainer_gone: true, trainer_memory_bytes: expect.any(Number), cpu_percent: expect.any(Number) },
      },
    ]);
    first.child.kill('SIGTERM');
    await once(first.child, 'exit');
    givenWorker('w2');
    api.offer();
    await reaches('completed');
    expect(api.callsOf('restored').at(-1)).toMatchObject({ step: pause?.step, checkpoint_id: pause?.id, attempt: 2 });
    expect(resultOf()).toEqual({ value: expectedValue(300) });
  });

  it('goes on when a pause is withdrawn, before and after the trainer has stopped for it', async () => {
    await givenApi({ steps: 300 });
    let refuse = true;
    api.intercept = (method) => {
      if (method !== 'paused' || !refuse) return undefined;
      refuse = false;
      api.status = 'running';
      api.directive = { kind: 'run' };
      return { status: 'running' };
    };
    givenWorker();
    await trains(5);
    api.directive = { kind: 'pause', boundary: 'epoch' };
    api.hint('w1');
    await trains(10);
    api.directive = { kind: 'run' };
    api.hint('w1');
    await trains(22);
    api.directive = { kind: 'pause', boundary: 'step' };
    await reaches('completed');
    expect(api.callsOf('paused')).toHaveLength(1);
    expect(resultOf()).toEqual({ value: expectedValue(300) });
  });

  it('cancels with a checkpoint, or without one when the work is to be discarded', async () => {
    await givenApi({ steps: 100_000, steps_per_epoch: 1_000_000 });
    givenWorker();
    await trains(5);
    api.directive = { kind: 'cancel', save: true };
    await reaches('cancelled');
    expect(api.checkpoints.map(({ kind }) => kind)).toEqual(['cancel']);
    api.offer();
    await trains(api.checkpoints[0]!.step + 5);
    api.directive = { kind: 'cancel', save: false };
    await reaches('cancelled');
    expect(api.checkpoints).toHaveLength(1);
    expect(api.callsOf('cancelled').map(({ checkpoint_id }) => checkpoint_id)).toEqual([api.checkpoints[0]?.id, null]);
  });

  it('goes on training when the checkpoint of a pause cannot be saved', async () => {
    await givenApi({ steps: 300, steps_per_epoch: 1_000, failing_saves: 1 });
    givenWorker();
    await trains(5);
    api.directive = { kind: 'pause', boundary: 'step' };
    await reaches('completed');
    expect(api.callsOf('checkpoint-failed')).toMatchObject([{ kind: 'pause', pause_abandoned: true }]);
    expect(resultOf()).toEqual({ value: expectedValue(300) });
  });

  it('stops at once when its lease is lost, and writes nothing more', async () => {
    await givenApi({ steps: 100_000 });
    givenWorker();
    await trains(5);
    await losesItsLease();
    const lostAt = new Date().toISOString();
    const writes = () => api.calls.filter(({ method }) => !['heartbeat', 'claim', 'events'].includes(method));
    const written = writes().length;
    await until(async () => (await readdir(join(folder, 'w1', 'spool'))).length === 0, 'the spool is dropped');
    await until(() => api.callsOf('heartbeat').length > 20, 'some more heartbeats');
    expect(writes()).toHaveLength(written);
    expect(api.events.filter(({ at }) => at > lostAt)).toEqual([]);
  });

  it('that was frozen past its lease tells nothing of what comes after it has heard that', async () => {
    await givenApi({ steps: 100_000 });
    const { child } = givenWorker();
    await trains(5);
    child.kill('SIGSTOP');
    const frozenAt = performance.now();
    await until(() => performance.now() - frozenAt > 1_500, 'the lease is over');
    await losesItsLease(() => child.kill('SIGCONT'));
    const lostAt = new Date().toISOString();
    const beats = api.callsOf('heartbeat').length;
    await until(() => api.callsOf('heartbeat').length > beats + 5, 'some more heartbeats');
    expect(api.events.filter(({ at }) => at > lostAt)).toEqual([]);
    expect(api.callsOf('checkpoint-commit').filter(({ checkpoint }) => checkpoint.created_at > lostAt)).toEqual([]);
  });

  it.each([
    [{ crash_at: 30 }, 'trainer-crashed', 'something is badly wrong'],
    [{ kill_at: 30 }, 'trainer-crashed', 'SIGKILL'],
    [{ babble_at: 30 }, 'trainer-protocol-violated', 'does not define'],
  ])('reports a trainer that ends by itself: %j', async (spec, code, words) => {
    await givenApi(spec);
    givenWorker();
    await reaches('failed');
    expect(api.callsOf('failed')).toMatchObject([{ error: { code }, checkpoint_id: api.checkpoints.at(-1)?.id }]);
    expect(JSON.stringify(api.callsOf('failed')[0]?.error)).toContain(words);
    expect(api.checkpoints.at(-1)?.step).toBe(20);
  });

  it('saves and hands back what it runs when it is asked to end, and exits with 0', async () => {
    await givenApi({ steps: 100_000, steps_per_epoch: 1_000_000 });
    const { child } = givenWorker();
    await trains(5);
    child.kill('SIGTERM');
    await reaches('resuming');
    expect((await once(child, 'exit'))[0]).toBe(0);
    const saved = api.checkpoints.at(-1);
    expect(saved?.kind).toBe('shutdown');
    expect(api.callsOf('released')).toMatchObject([{ checkpoint_id: saved?.id, step: saved?.step }]);
    expect(await readdir(join(folder, 'w1', 'spool'))).toEqual([]);
  });

  it('kills a trainer that does not stop within the grace, and hands back what was committed last', async () => {
    await givenApi({ steps: 100_000, deaf: true });
    api.intercept = (method) => {
      if (method === 'checkpoint-commit' && api.checkpoints.length > 0) throw new Error('later ones are not committed');
    };
    const { child } = givenWorker('w1', { KTRDR_SHUTDOWN_GRACE_SECONDS: '3' });
    await until(() => api.callsOf('checkpoint-commit').length > 1, 'one checkpoint, and another on its way');
    child.kill('SIGTERM');
    await reaches('resuming');
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(api.callsOf('released')).toMatchObject([{ checkpoint_id: api.checkpoints[0]?.id }]);
  });

  it('ends at once, and its trainer with it, when it is asked a second time', async () => {
    await givenApi({ steps: 100_000, deaf: true });
    const { child, log } = givenWorker();
    await trains(5);
    const trainers = await childrenOf(child.pid!);
    child.kill('SIGTERM');
    await until(() => log().includes('shutting down'), 'the first request is heard');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(130);
    await until(async () => (await Promise.all(trainers.map(isAlive))).every((one) => !one), 'the trainers are gone');
  });

  it('trains on and reports later when API and NATS are away', async () => {
    await givenApi({ steps: 200 });
    givenWorker();
    await trains(5);
    await api.goAway();
    await nats.stop();
    await nats.start();
    api.comeBack();
    await reaches('completed');
    expect(api.callsOf('restored')).toHaveLength(1);
    expect(resultOf()).toEqual({ value: expectedValue(200) });
    await until(() => api.steps().at(-1) === 200, 'the last progress');
  });

  it('falls back to the older checkpoint when the newest is damaged', async () => {
    await givenApi({ step_ms: 10 });
    const { child } = givenWorker();
    await until(() => api.checkpoints.length === 2, 'two checkpoints');
    child.kill('SIGKILL');
    const [older, newest] = api.checkpoints;
    await writeFile(join(folder, 'objects', newest!.files[0]!.blob!), '{"step":40,"value":0}');
    api.offer();
    givenWorker('w2');
    await reaches('completed');
    expect(api.callsOf('restore-failed')).toMatchObject([
      { checkpoint_id: newest?.id, bad_files: [{ name: 'state.json' }] },
    ]);
    expect(api.callsOf('restored').at(-1)).toMatchObject({ checkpoint_id: older?.id, fell_back_from: newest?.id });
    expect(resultOf()).toEqual({ value: expectedValue() });
  });

  it('takes its trainer with it when it is killed', async () => {
    await givenApi({ steps: 100_000 });
    const { child } = givenWorker();
    await trains(5);
    const trainers = await childrenOf(child.pid!);
    expect(trainers.length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await until(
      async () => (await Promise.all(trainers.map(isAlive))).every((alive) => !alive),
      'the trainers are gone',
    );
  });

  it('hands back what it runs when it is drained, and takes nothing more until it is wanted again', async () => {
    await givenApi({ steps: 100_000 });
    givenWorker();
    await trains(5);
    api.draining = true;
    await reaches('resuming');
    const claims = api.callsOf('claim').length;
    api.offer();
    const beats = api.callsOf('heartbeat').length;
    await until(() => api.callsOf('heartbeat').length > beats + 5, 'some more heartbeats');
    expect(api.callsOf('claim')).toHaveLength(claims);
    expect(api.callsOf('heartbeat').at(-1)).toMatchObject({ free_slots: 0, leases: [] });
    const saved = api.checkpoints.at(-1);
    expect(saved?.kind).toBe('shutdown');
    expect(api.callsOf('released')).toMatchObject([{ reason: 'drain', checkpoint_id: saved?.id, step: saved?.step }]);
    api.draining = false;
    await trains(saved!.step + 5);
    expect(api.callsOf('restored').at(-1)).toMatchObject({ attempt: 2, checkpoint_id: saved?.id });
    expect(api.callsOf('register')).toHaveLength(1);
  });

  it('says everything that is wrong with its settings, and exits with 1', async () => {
    await givenApi();
    const env = { KTRDR_API_URL: '', KTRDR_WORKER_SLOTS: 'many', KTRDR_S3_ACCESS_KEY_ID: 'AKIA' };
    const { child, log } = givenWorker('w1', env);
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(log()).toMatch(/KTRDR_API_URL.*KTRDR_WORKER_SLOTS/);
    expect(log()).not.toMatch(/many|AKIA/);
  });
});

async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.split(' ').filter(Boolean).map(Number);
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
