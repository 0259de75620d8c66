import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TrainerControl, type TrainerEvent } from '@ktrdr/contracts';
import { ProcessTrainingSpec } from '@ktrdr/specs';
import { pino } from 'pino';
import type { Trainer, TrainerExit } from '../ports.js';
import { ProcessTrainers } from '../programs/process-trainers.js';

let folder: string;
let trainer: Trainer;
let events: TrainerEvent[];
let exit: TrainerExit | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-trainer-'));
  events = [];
  exit = undefined;
});
afterEach(async () => {
  trainer.kill();
  await seen(() => exit, 'the trainer has left');
  await rm(folder, { recursive: true, force: true });
});

async function seen<T>(look: () => T | undefined | false, what: string): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const found = look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`Not seen: ${what}; ${JSON.stringify(events)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const eventOf = <T extends TrainerEvent['type']>(type: T, nth = 0) =>
  seen(
    () => events.filter((event): event is Extract<TrainerEvent, { type: T }> => event.type === type)[nth],
    `${type} ${nth}`,
  );

/** A shell script as the program, in the words of its operator's list. */
async function given(script: string, change: object = {}, from: { dir: string; step: number } | null = null) {
  const resume = from && { ...from, epoch: 0 };
  const spec = ProcessTrainingSpec.parse({
    version: 1,
    trainer: {
      kind: 'process',
      command: ['sh', '-c', `cd "$KTRDR_CHECKPOINT_DIR"; ${script}`],
      complete: { by: 'rename' },
      log_patterns: ['^step (?<step>\\d+)'],
      ...change,
    },
  });
  const builtIn = { take: () => Promise.reject(new Error('not asked for')), refill() {}, close() {} };
  const env = { PATH: '/usr/bin:/bin' };
  const settings = { programs: ['sh'], programDir: folder, passedVariables: [], env };
  const job = { operationId: 'op_1', attempt: 1, spec, folder, dataFile: null, resume };
  trainer = await new ProcessTrainers(builtIn, settings, pino({ level: 'silent' })).take(job);
  trainer.attach({
    onEvent: (event) => void events.push(event),
    onLog: () => undefined,
    onExit: (how) => void (exit = how),
  });
  await mkdir(join(folder, 'spool'));
  trainer.send({
    type: 'start',
    operation_id: 'op_1',
    attempt: 1,
    operation_type: 'training',
    spec,
    spec_sha256: 'abc',
    accepted_spec_sha256: [],
    data_file: null,
    spool_dir: join(folder, 'spool'),
    resume,
  });
}

const stop = (kind: 'pause' | 'cancel' | null): TrainerControl => ({
  type: 'stop',
  boundary: 'step',
  save: kind && { request_id: `for-${kind}`, kind },
});
const SAVE = 'mkdir tmp && echo "$step" > tmp/state && mv tmp "checkpoint-$step"';
const FOREVER = 'while :; do sleep 0.02; done';

describe('a program behind the port of a trainer', () => {
  it('starts over by itself from what it had saved when a stop is withdrawn after its signal', async () => {
    await given(
      `step=$(cat "$KTRDR_RESUME_DIR/state" 2>/dev/null || echo 0); echo "begun at $step" >&2
       trap 'step=$((step + 5)); ${SAVE}; exit 0' TERM; echo "step $step"; ${FOREVER}`,
    );
    await eventOf('progress');
    trainer.send(stop('pause'));
    trainer.send({ type: 'continue' });
    expect(await eventOf('started', 1)).toMatchObject({ step: 5 });
    expect(exit).toBeUndefined();
    await eventOf('progress', 1);
    trainer.send(stop('pause'));
    const saved = await eventOf('saved');
    expect(saved).toMatchObject({ request_id: 'for-pause', step: 10, files: ['state'] });
    expect(await readFile(join(saved.dir, 'state'), 'utf8')).toBe('10\n');
    expect(await eventOf('stopped')).toMatchObject({ step: 10 });
    await seen(() => exit, 'it has left');
    expect(exit).toMatchObject({ code: 0 });
  });

  it('waits for what is wanted next when a stop finds nothing to save, and stops without when that is enough', async () => {
    await given(`echo "step 3"; ${FOREVER}`);
    await eventOf('progress');
    trainer.send(stop('cancel'));
    expect(await eventOf('save_failed')).toMatchObject({ request_id: 'for-cancel' });
    expect(exit).toBeUndefined();
    trainer.send(stop(null));
    expect(await eventOf('stopped')).toMatchObject({ step: 3 });
  });

  it('stops where it began when it made no directory since, from files that it could not spoil', async () => {
    const dir = join(folder, 'restored');
    await mkdir(dir);
    await writeFile(join(dir, 'state'), 'as it was');
    await given(`echo spoilt > "$KTRDR_RESUME_DIR/state"; echo "step 9"; ${FOREVER}`, {}, { dir, step: 7 });
    await eventOf('progress');
    trainer.send(stop('pause'));
    const saved = await eventOf('saved');
    expect(saved).toMatchObject({ step: 7, kind: 'pause' });
    expect(await readFile(join(saved.dir, 'state'), 'utf8')).toBe('as it was');
    expect(await eventOf('warning')).toMatchObject({ code: 'steps-repeated' });
  });

  it('makes one periodic save at a time, of the newest directory', async () => {
    await given(`for step in 1 2 3; do ${SAVE}; done; echo "step 3"; ${FOREVER}`);
    const first = await eventOf('saved');
    expect(first.kind).toBe('periodic');
    expect(await readdir(join(folder, 'spool'))).toEqual([first.request_id]);
    trainer.send({ type: 'settled', request_id: first.request_id });
    if (first.step < 3) expect(await eventOf('saved', 1)).toMatchObject({ step: 3 });
  });

  it('is done when it has written its result, though a stop came meanwhile', async () => {
    await given(
      `trap 'step=4; ${SAVE}; echo "{\\"value\\": 1}" > "$KTRDR_RESULT_FILE"; exit 0' TERM; echo "step 4"; ${FOREVER}`,
    );
    await eventOf('progress');
    trainer.send(stop('cancel'));
    expect(await eventOf('completed')).toMatchObject({ step: 4, result: { value: 1 } });
    expect(await eventOf('saved')).toMatchObject({ kind: 'final', step: 4 });
  });

  it('stops at the directory before the one that its stop interrupted, though it ends with exit code 0', async () => {
    await given(
      `trap 'exit 0' TERM; mkdir checkpoint-20; echo 20 > checkpoint-20/state
       mkdir checkpoint-40; echo half > checkpoint-40/state; echo "step 40"; ${FOREVER}`,
      { complete: { by: 'quiet', seconds: 60 } },
    );
    await eventOf('progress');
    trainer.send(stop('pause'));
    expect(await eventOf('stopped')).toMatchObject({ step: 20 });
  });

  it('is paused at what it saves when it is told to stop', async () => {
    await given(
      `trap 'step=41; ${SAVE}; exit 0' TERM; mkdir checkpoint-40; echo half > checkpoint-40/state; echo "step 40"; ${FOREVER}`,
      { complete: { by: 'quiet', seconds: 60 } },
    );
    await eventOf('progress');
    trainer.send(stop('pause'));
    expect(await eventOf('stopped')).toMatchObject({ step: 41 });
  });

  it('keeps a directory whatever zeros its step has', async () => {
    await given('step=000005; ' + SAVE);
    expect(await eventOf('saved')).toMatchObject({ kind: 'final', step: 5, files: ['state'] });
  });

  it.each([
    ['a link in it', 'mkdir tmp && echo 10 > tmp/state && ln -s state tmp/link && mv tmp checkpoint-10', /holds link/],
    ['a step that is too large', 'step=3000000000; ' + SAVE, /steps above 2147483647/],
    ['a link for it', 'ln -s checkpoint-5 checkpoint-10', /it is a link/],
  ])('fails when its last state cannot be saved (%s), and the one before is', async (_why, script, reason) => {
    await given(`step=5; ${SAVE}; ${script}`);
    const failed = await eventOf('failed');
    expect(failed).toMatchObject({ code: 'checkpoint-failed', message: expect.stringMatching(reason) });
    expect(events.filter(({ type }) => type === 'completed')).toEqual([]);
    expect(events.filter(({ type }) => type === 'saved')).toMatchObject([{ kind: 'periodic', step: 5 }]);
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
  });

  it('leaves a result out that is no JSON object, and says so', async () => {
    await given('echo nonsense > "$KTRDR_RESULT_FILE"');
    expect(await eventOf('warning')).toMatchObject({ code: 'result-unreadable' });
    expect(await eventOf('completed')).toMatchObject({ result: {} });
  });

  it('is gone with everything it started when it is killed', async () => {
    await given(`sleep 60 & echo $! > ${join(folder, 'pid')}; echo "step 1"; wait`);
    await eventOf('progress');
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    trainer.kill();
    await seen(() => exit, 'it has left');
    expect(exit).toMatchObject({ signal: 'SIGKILL' });
    await seen(() => !exists(pid), 'its child has ended');
  });

  it('takes what it started with it when it ends by itself', async () => {
    await given(`sleep 60 >/dev/null 2>&1 & echo $! > ${join(folder, 'pid')}; exit 3`);
    await seen(() => exit, 'it has left');
    expect(exit).toMatchObject({ code: 3 });
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    await seen(() => !exists(pid), 'its child has ended');
  });
});

/** A process that has ended and that nobody has asked about yet is none any more. */
function exists(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
