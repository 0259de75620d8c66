import { existsSync } from 'node:fs';
import { eventually } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { directorySpec, allowingEnv, countedValue, hasPython } from './support/process-trainers.js';
import { childrenOf, isAlive } from './support/process-tree.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { trainingOver } from './support/training.js';

const ALLOW = { KTRDR_PROCESS_TRAINERS: 'allow' };
const PYTHON_EXAMPLE = '{program_dir}/examples/trainers/plain_python.py';
const NUMPY_EXAMPLE = '{program_dir}/examples/trainers/numpy_network.py';

let services: Services;
let api: RunningApi;
let http: Http;
let training: ReturnType<typeof trainingOver>;
let workers: RunningWorker[];
beforeAll(async () => {
  services = await givenServices();
  api = await startApi(services, { env: { ...ALLOW, ...SHORT_LEASE } });
  http = httpOf(api);
  training = trainingOver(http);
  workers = await Promise.all(['w1', 'w2'].map((id) => givenWorker(id)));
});
afterAll(() => services.close());

function givenWorker(id: string): Promise<RunningWorker> {
  return startWorker(services, { api, id, env: allowingEnv('python3') });
}

function pythonSpec(seconds_per_step: number) {
  return {
    version: 1,
    trainer: { kind: 'process', interface: 'protocol', command: ['python3', PYTHON_EXAMPLE] },
    params: { epochs: 12, seed: 5, seconds_per_step },
  };
}

async function workerOf(id: string): Promise<RunningWorker> {
  const { worker_id } = await training.show(id);
  return workers.find((worker) => worker.id === worker_id)!;
}

/** Of the worker's children the program is the one that was started last. */
async function programOf(worker: RunningWorker): Promise<number> {
  return eventually(async () => (await childrenOf(worker.pid)).at(-1), { what: 'the program runs' });
}

async function resumedElsewhere(id: string, last: RunningWorker): Promise<void> {
  const others = workers.filter((worker) => worker !== last);
  await http.post(`/workers/${last.id}/drain`, { draining: true });
  expect((await http.post(`/operations/${id}/resume`)).status).toBe(202);
  await training.until(id, ({ status }) => status === 'running', 'it runs again');
  expect(others.map((worker) => worker.id)).toContain((await training.show(id))['worker_id']);
  await http.post(`/workers/${last.id}/drain`, { draining: false });
}

const itWithPython = hasPython() ? it : it.skip;
const itWithNumpy = hasPython('numpy') ? it : it.skip;

describe('a trainer of one’s own', () => {
  it('is refused where the operator has not allowed it, and takes nothing', async () => {
    const strict = await startApi(services, { name: 'strict', token: api.token });
    const refused = await httpOf(strict).post('/operations', { spec: directorySpec({}) });
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'trainer-not-allowed', detail: expect.stringContaining('KTRDR_PROCESS_TRAINERS=allow') },
    });
    await strict.stop();
    expect((await http.get('/operations')).body['items']).toEqual([]);
  });

  it('is refused with every wrong field named by its path', async () => {
    const trainer = { kind: 'process', command: [], complete: { by: 'luck' }, grace: 3 };
    const { status, body } = await http.post('/operations', { spec: { version: 1, trainer } });
    expect(status).toBe(422);
    expect(body['code']).toBe('spec-invalid');
    const paths = (body['problems'] as { path: string }[]).map(({ path }) => path);
    expect(paths.join(' ')).toMatch(/trainer\.command/);
    expect(paths.join(' ')).toMatch(/trainer\.complete\.by/);
    const overridden = await http.get('/schemas/process-training-spec.json');
    expect(overridden.body['properties']).toHaveProperty('trainer');
  });

  it('takes no overrides', async () => {
    const id = await training.submit({ spec: directorySpec({ steps: 40, step_ms: 20 }) });
    await training.reached(id, 5);
    await training.cancelled(id);
    const refused = await http.post(`/operations/${id}/resume`, { overrides: { epochs: 3 } });
    expect(refused).toMatchObject({ status: 422, body: { problems: [{ path: 'overrides' }] } });
    expect((await http.post(`/operations/${id}/resume`)).status).toBe(202);
    const done = await training.completed(id);
    expect(done['result']).toMatchObject({ value: countedValue(40) });
    expect(done['progress']).toMatchObject({ fraction: 1, step: 40, steps: 40 });
  });

  it('goes on by no other way where the operator has ceased to allow it, not even through an export', async () => {
    const id = await training.submit({ spec: directorySpec({ steps: 400, step_ms: 20 }) });
    await training.reached(id, 5);
    await training.cancelled(id);
    const [checkpoint] = (await http.get(`/operations/${id}/checkpoints`)).body['items'];
    const exported = (await http.get(`/checkpoints/${checkpoint.checkpoint_id}/export`)).body;
    const strict = await startApi(services, { name: 'stricter', token: api.token });
    const { post } = httpOf(strict);
    const answers = {
      retry: await post(`/operations/${id}/retry`),
      resume: await post(`/operations/${id}/resume`),
      rehearsal: await post(`/operations/${id}/resume`, { dry_run: true }),
      fork: await post(`/operations/${id}/fork`),
      import: await post('/operations/import', { export: exported }),
    };
    const refused = { status: 403, body: { code: 'trainer-not-allowed' } };
    expect(answers).toMatchObject({
      retry: refused,
      resume: refused,
      rehearsal: refused,
      fork: refused,
      import: refused,
    });
    const all = await post('/operations/resume', { filter: { operation_ids: [id] } });
    expect(all.body['items']).toMatchObject([{ outcome: 'refused', code: 'trainer-not-allowed' }]);
    await strict.stop();
    expect(await training.show(id)).toMatchObject({ status: 'cancelled' });
    expect((await http.post('/operations/import', { export: exported })).status).toBe(201);
  });

  itWithPython('in plain Python ends with the same weights, paused, killed and killed with its worker', async () => {
    const whole = await training.submit({ name: 'whole', spec: pythonSpec(0) });
    const id = await training.submit({ name: 'interrupted', spec: pythonSpec(0.02) });

    await training.reached(id, 40);
    expect((await http.post(`/operations/${id}/pause`)).status).toBe(202);
    const paused = await training.settled(id);
    expect(paused).toMatchObject({ status: 'paused', latest_checkpoint: { checkpoint_type: 'pause' } });
    const first = workers.find(({ id: name }) => name === paused['worker_id']) ?? workers[0]!;
    await resumedElsewhere(id, first);

    const { step } = (await training.reached(id, 100))['progress'];
    const program = await programOf(await workerOf(id));
    process.kill(program, 'SIGKILL');
    await training.until(id, ({ attempt }) => attempt === 3, 'it was recovered');
    expect(step).toBeGreaterThanOrEqual(100);

    await training.reached(id, 180);
    const worker = await workerOf(id);
    const orphan = await programOf(worker);
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await eventually(async () => !(await isAlive(orphan)), { what: 'the program has ended with its worker' });
    const done = await training.completed(id);
    expect(done).toMatchObject({ attempt: 4, recoveries: 2 });
    expect(done['worker_id']).not.toBe(worker.id);
    expect(await training.weightsOf(id)).toBe(await training.weightsOf(whole));
    workers = [...workers.filter((other) => other !== worker), await givenWorker(`${worker.id}b`)];
  });

  it('that writes directories goes on elsewhere when its worker is killed, and leaves no process behind', async () => {
    const id = await training.submit({ spec: directorySpec({ steps: 400, step_ms: 10, save_every: 30 }) });
    const { progress } = await training.reached(id, 70);
    expect(progress.eta_seconds).toBeGreaterThan(0);
    const worker = await workerOf(id);
    const program = await programOf(worker);
    expect(existsSync(`/proc/${program}`)).toBe(true);
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await eventually(async () => !(await isAlive(program)), { what: 'the program has ended with its worker' });
    const done = await training.completed(id);
    expect(done).toMatchObject({ attempt: 2, result: { value: countedValue(400) } });
    workers = [...workers.filter((other) => other !== worker), await givenWorker(`${worker.id}c`)];
  });

  const inlineSpec = (code: string) => {
    const {
      log_patterns: _none,
      resume_args: _neither,
      ...trainer
    } = directorySpec({})['trainer'] as Record<string, unknown>;
    return { version: 1, trainer: { ...trainer, command: [process.execPath, '-e', code] }, params: {}, steps: 1 };
  };
  const linesOf = async (id: string) => {
    const { items } = (await http.get(`/operations/${id}/events?limit=1000`)).body as {
      items: { type: string; data: { lines?: string[] } }[];
    };
    return items.flatMap(({ data }) => data.lines ?? []);
  };

  it('may say what no database can store: it is told and ends as any other, and so does what runs beside it', async () => {
    const id = await training.submit({
      spec: inlineSpec(`
        const { mkdirSync, renameSync, writeFileSync } = require('node:fs');
        const { KTRDR_CHECKPOINT_DIR: dir, KTRDR_RESULT_FILE: result } = process.env;
        console.log('a\\0b');
        console.log('x'.repeat(1999) + '\u{1f642}'.repeat(5));
        for (let line = 0; line < 400; line += 1) console.log('\\x01'.repeat(3000));
        console.log('the end');
        mkdirSync(dir + '/new');
        writeFileSync(dir + '/new/state', '1');
        renameSync(dir + '/new', dir + '/checkpoint-1');
        writeFileSync(result, JSON.stringify({ 'b\\0': 'x\\0y', half: '\\ud800' }));`),
    });
    const beside = await training.submit({ spec: directorySpec({ steps: 20 }) });
    const done = await training.completed(id);
    expect(done['result']).toMatchObject({ 'b\ufffd': 'x\ufffdy', half: '\ufffd' });
    const lines = await linesOf(id);
    expect(lines).toEqual(expect.arrayContaining(['a\ufffdb', `${'x'.repeat(1999)}\ufffd`, 'the end']));
    await training.completed(beside);
    expect((await linesOf(beside)).length).toBeGreaterThan(0);
  });

  it('may end with words that no database can store: it is failed, and they are told as far as they can be', async () => {
    const code = `process.stderr.write('bad byte \\0 in header\\n'); process.exitCode = 3;`;
    const failed = await training.settled(await training.submit({ spec: inlineSpec(code), max_recoveries: 0 }));
    expect(failed).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(failed['error'])).toContain('bad byte \ufffd in header');
  });

  itWithNumpy('in numpy ends with the same weights after a cancel and a resume', async () => {
    const numpySpec = (seconds_per_step: number) => ({
      version: 1,
      trainer: {
        kind: 'process',
        command: ['python3', NUMPY_EXAMPLE],
        complete: { by: 'rename' },
        log_patterns: ['step=(?<step>\\d+)/(?<steps>\\d+) loss=(?<loss>\\S+)'],
      },
      params: { steps: 200, seconds_per_step },
      steps: 200,
    });
    const whole = await training.submit({ spec: numpySpec(0) });
    const id = await training.submit({ spec: numpySpec(0.02) });
    await training.reached(id, 60);
    const cancelled = await training.cancelled(id);
    expect(cancelled).toMatchObject({ status: 'cancelled', latest_checkpoint: { checkpoint_type: 'cancel' } });
    expect((await http.post(`/operations/${id}/resume`)).body['lost_steps']).toBe(0);
    const done = await training.completed(id);
    await training.completed(whole);
    expect(done['attempt']).toBe(2);
    expect(await training.weightsOf(id)).toBe(await training.weightsOf(whole));
  });
});
