import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partsOf } from '@ktrdr/operations';
import { GivenWorker } from './support/given-worker.js';
import { allowingEnv, countedValue, directorySpec } from './support/process-trainers.js';

const STEPS = 60;
let worker: GivenWorker;
afterEach(() => worker.close());

async function givenProgram(
  params: Readonly<Record<string, unknown>>,
  trainer: Readonly<Record<string, unknown>> = {},
  env: NodeJS.ProcessEnv = allowingEnv(),
): Promise<GivenWorker> {
  worker = await GivenWorker.open(directorySpec({ steps: STEPS, ...params }, trainer));
  worker.start(env);
  worker.api.offer();
  return worker;
}

const trains = (step: number): Promise<void> =>
  worker.sees(() => worker.api.steps().some((at) => at >= step), `step ${step}`);

async function pause(): Promise<void> {
  const { api } = worker;
  api.status = 'pausing';
  api.directive = { kind: 'pause', boundary: 'step' };
  api.hint('w1');
  await worker.sees(() => api.status === 'paused', 'it is paused');
}

async function completes(): Promise<void> {
  await worker.sees(() => worker.api.status === 'completed', 'it is completed');
}

const result = (): unknown => worker.api.callsOf('completed').at(-1)?.result;
const warnings = (): string[] =>
  worker.api.events.flatMap(({ body }) => (body.type === 'warning' ? [`${body.code}: ${body.message}`] : []));
const logLines = (): string[] => worker.api.events.flatMap(({ body }) => (body.type === 'log' ? body.lines : []));

describe('a program that writes checkpoint directories', () => {
  it('is run to its end: directories become checkpoints, lines progress, its result file the result', async () => {
    const { api } = await givenProgram({});
    await completes();
    expect(api.callsOf('register')[0]?.capabilities).toContain('trainer:process');
    expect(result()).toMatchObject({
      value: countedValue(STEPS),
      checkpoint_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(api.callsOf('restored')).toMatchObject([{ step: 0, steps: STEPS, backend: null }]);
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'final', step: STEPS });
    expect(api.callsOf('completed')).toMatchObject([{ step: STEPS, checkpoint_id: api.checkpoints.at(-1)?.id }]);
    await worker.sees(() => api.steps().at(-1) === STEPS, 'the last progress');
    // Folders and odd names are in it too, under names that a checkpoint can have.
    const names = api.checkpoints.at(-1)!.files.find(({ name }) => name === 'ktrdr-names.json')!;
    const { files } = JSON.parse(await readFile(join(worker.objects, partsOf(names)[0]!.blob), 'utf8')) as {
      files: object;
    };
    expect(Object.values(files)).toEqual(['a name with spaces.txt', 'state/counter.json']);
  });

  it('is paused by its stop signal and continues in a new process with the same result', async () => {
    const { api } = await givenProgram({ steps: 300 });
    await trains(31);
    await pause();
    const paused = api.checkpoints.at(-1)!;
    expect(paused).toMatchObject({ kind: 'pause' });
    expect(paused.step).toBeGreaterThan(30);
    expect(api.callsOf('paused')).toMatchObject([{ step: paused.step, snapshot: { trainer_gone: true } }]);
    expect(warnings()).toEqual([]);
    api.offer();
    await completes();
    expect(api.callsOf('restored').at(-1)).toMatchObject({ step: paused.step, checkpoint_id: paused.id });
    expect(result()).toMatchObject({ value: countedValue(300) });
    expect(logLines()).toContainEqual(
      expect.stringMatching(
        new RegExp(`^counting from ${paused.step}, from the start then /.*/checkpoint-${paused.step}$`),
      ),
    );
  });

  it('loses no more than the steps since its last directory when it dies of the signal, and says so', async () => {
    const { api } = await givenProgram({ steps: 300, on_stop: 'die' });
    await trains(31);
    await pause();
    const paused = api.checkpoints.at(-1)!;
    expect(paused).toMatchObject({ kind: 'pause' });
    expect(paused.step % 20).toBe(0);
    await worker.sees(() => warnings().length > 0, 'the warning');
    expect(warnings()).toEqual([
      expect.stringMatching(/^steps-repeated: .*newest complete checkpoint is of step \d+0/),
    ]);
    api.offer();
    await completes();
    expect(result()).toMatchObject({ value: countedValue(300) });
  });

  it('is killed when it ignores the signal for longer than its grace, and continues from its newest directory', async () => {
    const { api } = await givenProgram({ steps: 400, on_stop: 'ignore' }, { grace_seconds: 0.3 });
    await trains(31);
    await pause();
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'pause' });
    await worker.sees(() => warnings().some((text) => text.startsWith('trainer-killed: ')), 'the warning');
    expect(logLines()).toContain('told to stop');
    api.offer();
    await completes();
    expect(result()).toMatchObject({ value: countedValue(400) });
  });

  it.each([
    ['rename', { renames: true }, { by: 'rename' }],
    ['marker', { renames: false, marker: 'DONE' }, { by: 'marker', file: 'DONE' }],
    ['quiet', { renames: false }, { by: 'quiet', seconds: 30 }],
  ])('loses a directory that it was killed over while writing it (%s)', async (_rule, params, complete) => {
    const { api } = await givenProgram({ ...params, tear_at: 40 }, { complete, grace_seconds: 0.2 });
    await worker.sees(() => logLines().includes('half written'), 'half of checkpoint-40');
    await pause();
    expect(api.checkpoints.map(({ step }) => step)).not.toContain(40);
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'pause', step: 20 });
    api.offer();
    await completes();
    expect(result()).toMatchObject({ value: countedValue(STEPS) });
  });

  it('loses a directory that it was writing when it left on the signal with exit code 0', async () => {
    const { api } = await givenProgram(
      { renames: false, tear_at: 40, on_stop: 'leave' },
      { complete: { by: 'quiet', seconds: 30 } },
    );
    await worker.sees(() => logLines().includes('half written'), 'half of checkpoint-40');
    await pause();
    expect(api.checkpoints.map(({ step }) => step)).not.toContain(40);
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'pause', step: 20 });
    api.offer();
    await completes();
    expect(result()).toMatchObject({ value: countedValue(STEPS) });
  });

  it('may write its steps with zeros before them', async () => {
    const { api } = await givenProgram({ steps: 300, digits: 6 });
    await trains(31);
    await pause();
    const paused = api.checkpoints.at(-1)!;
    expect(paused.step).toBeGreaterThan(30);
    api.offer();
    await completes();
    expect(api.callsOf('restored').at(-1)).toMatchObject({ step: paused.step });
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'final', step: 300 });
    expect(result()).toMatchObject({ value: countedValue(300) });
    expect(warnings()).toEqual([]);
  });

  it('is failed and not completed when its last directory cannot be made a checkpoint', async () => {
    const { api } = await givenProgram({ link_at: STEPS });
    await worker.sees(() => api.status === 'failed', 'it is failed');
    expect(api.callsOf('failed')).toMatchObject([
      { error: { code: 'checkpoint-failed', message: expect.stringContaining('checkpoint-60 is passed over') } },
    ]);
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'periodic', step: 40 });
    api.offer();
    await completes();
    expect(api.callsOf('restored').at(-1)).toMatchObject({ step: 40 });
    expect(result()).toMatchObject({ value: countedValue(STEPS) });
  });

  it('goes on from the beginning when a pause finds nothing that could be saved', async () => {
    const { api } = await givenProgram({ steps: 150, save_every: 100, on_stop: 'die', step_ms: 10 });
    await trains(5);
    api.status = 'pausing';
    api.directive = { kind: 'pause', boundary: 'step' };
    api.hint('w1');
    await worker.sees(() => api.callsOf('checkpoint-failed').length > 0, 'the pause is given up');
    expect(api.callsOf('checkpoint-failed')).toMatchObject([{ pause_abandoned: true, kind: 'pause' }]);
    api.status = 'running';
    await completes();
    expect(result()).toMatchObject({ value: countedValue(150) });
    expect(api.attempt).toBe(1);
  });

  it.each([
    ['an exit code', { crash_at: 30 }, 'trainer-crashed', { exit_code: 7 }, /Error: something is badly wrong/],
    [
      'a kill',
      { kill_at: 30 },
      'trainer-crashed',
      { signal: 'SIGKILL' },
      /A person or a system short of memory killed it/,
    ],
    ['memory', { exhaust_at: 30 }, 'trainer-out-of-memory', { exit_code: 1 }, /MemoryError/],
  ])(
    'fails by %s as the built-in trainer does, and its newest directory is saved',
    async (_why, params, code, details, words) => {
      const { api } = await givenProgram(params);
      await worker.sees(() => api.status === 'failed', 'it is failed');
      expect(api.callsOf('failed')).toMatchObject([
        { error: { code, details, message: expect.stringMatching(words) } },
      ]);
      expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'periodic', step: 20 });
      expect(api.callsOf('failed')[0]?.checkpoint_id).toBe(api.checkpoints.at(-1)?.id);
      api.offer();
      await completes();
      expect(api.callsOf('restored').at(-1)).toMatchObject({ step: 20 });
      expect(result()).toMatchObject({ value: countedValue(STEPS) });
    },
  );

  it('is handed back when the worker is drained, and leaves nothing in the spool', async () => {
    const { api } = await givenProgram({ steps: 300 });
    await trains(31);
    api.draining = true;
    await worker.sees(() => api.status === 'resuming', 'it is handed back');
    expect(api.checkpoints.at(-1)).toMatchObject({ kind: 'shutdown' });
    await worker.spoolEmpties();
    api.draining = false;
    await completes();
    expect(result()).toMatchObject({ value: countedValue(300) });
  });
});

describe('a worker', () => {
  it('runs no program that its operator has not allowed', async () => {
    const { api } = await givenProgram({}, {}, { ...allowingEnv(), KTRDR_PROCESS_PROGRAMS: '/etc/' });
    await worker.sees(() => api.status === 'failed', 'it is refused');
    expect(api.callsOf('failed')).toMatchObject([
      { error: { code: 'trainer-not-allowed', message: expect.stringContaining('KTRDR_PROCESS_PROGRAMS') } },
    ]);
    expect(logLines()).toEqual([]);
    expect(await readdir(worker.folder)).not.toContain('objects');
  });

  it('runs none at all by default', async () => {
    const { api } = await givenProgram({}, {}, {});
    await worker.sees(() => api.status === 'failed', 'it is refused');
    expect(api.callsOf('register')[0]?.capabilities).not.toContain('trainer:process');
    expect(api.callsOf('failed')).toMatchObject([
      { error: { code: 'trainer-not-allowed', message: expect.stringContaining('KTRDR_PROCESS_TRAINERS') } },
    ]);
  });

  it('says that a program is not there', async () => {
    const { api } = await givenProgram(
      {},
      { command: ['no-such-program-anywhere'] },
      { ...allowingEnv(), KTRDR_PROCESS_PROGRAMS: '*' },
    );
    await worker.sees(() => api.status === 'failed', 'it is refused');
    expect(api.callsOf('failed')).toMatchObject([{ error: { code: 'trainer-not-found' } }]);
  });
});
