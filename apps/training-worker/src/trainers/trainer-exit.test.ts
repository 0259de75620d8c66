import type { TrainerEvent } from '@ktrdr/contracts';
import type { TrainerExit } from './ports.js';
import { toTrainerError } from './trainer-exit.js';
import { TrainerProcess } from './trainer-process.js';

const EXIT = { code: null, signal: null, stderrTail: [], violation: null };

it.each([
  [{ signal: 'SIGKILL' as const }, 'trainer-crashed'],
  [{ code: 137 }, 'trainer-crashed'],
  [{ signal: 'SIGKILL' as const, stderrTail: ['Killed process 7: out of memory'] }, 'trainer-out-of-memory'],
  [{ code: 134, stderrTail: ['FATAL ERROR: JavaScript heap out of memory'] }, 'trainer-out-of-memory'],
  [{ code: 1, stderrTail: ['MemoryError', ''] }, 'trainer-out-of-memory'],
  [{ signal: 'SIGABRT' as const, stderrTail: ['Assertion failed'] }, 'trainer-crashed'],
  [{ signal: 'SIGSEGV' as const }, 'trainer-crashed'],
  [{ code: 1 }, 'trainer-crashed'],
  [{ code: 78, stderrTail: ['It needs numpy'] }, 'trainer-refused'],
  [{ code: 0, stderrTail: ['nearly out of memory'] }, 'trainer-crashed'],
  [{ signal: 'SIGKILL' as const, violation: 'It babbles' }, 'trainer-protocol-violated'],
])('of %j makes %s', (exit, code) => {
  expect(toTrainerError({ ...EXIT, ...exit }).code).toBe(code);
});

it('of a program that cannot run here repeats what is missing', () => {
  const { message } = toTrainerError({ ...EXIT, code: 78, stderrTail: ['It needs numpy.', ''] });
  expect(message).toBe(
    'The program cannot run here (exit code 78); its last line was: It needs numpy. ' +
      'It is not retried automatically: fix that, then resume',
  );
});

/** A real child that says that it is ready and then runs this. */
async function exitOf(script: string, ...flags: string[]): Promise<TrainerExit> {
  const ready: TrainerEvent = {
    type: 'ready',
    trainer: 'dying',
    version: '1',
    pid: 1,
    backends: [],
    operation_types: ['training'],
  };
  const source = `require('node:fs').writeSync(4, ${JSON.stringify(`${JSON.stringify(ready)}\n`)});\n${script}`;
  const trainer = await TrainerProcess.start(
    { command: process.execPath, args: [...flags, '-e', source], env: {} },
    30_000,
  );
  return new Promise((resolve) => trainer.onExit(resolve));
}

describe('of a real process', () => {
  it('whose heap is full it is out of memory, though a long native stack comes after that', async () => {
    const exit = await exitOf('const a = []; for (;;) a.push({ x: [a.length] });', '--max-old-space-size=12');
    const error = toTrainerError(exit);
    expect(error).toMatchObject({ code: 'trainer-out-of-memory', details: { signal: 'SIGABRT' } });
    expect(error.message).toContain('JavaScript heap out of memory');
  });

  it('that cannot have an array it is out of memory', async () => {
    const error = toTrainerError(await exitOf('new Float32Array(2 ** 34);'));
    expect(error).toMatchObject({ code: 'trainer-out-of-memory', details: { exit_code: 1 } });
  });

  it('that throws it repeats the error and keeps the stack', async () => {
    const error = toTrainerError(await exitOf('function deep() { throw new TypeError("no such column"); } deep();'));
    expect(error.code).toBe('trainer-crashed');
    expect(error.message).toContain('exit code 1 before it was done; its last line was: TypeError: no such column');
    expect(JSON.stringify(error.details['stderr'])).toContain('at deep');
  });

  it('that is killed it names the signal and claims nothing', async () => {
    const error = toTrainerError(await exitOf('process.kill(process.pid, "SIGKILL");'));
    expect(error).toMatchObject({ code: 'trainer-crashed', details: { signal: 'SIGKILL', exit_code: null } });
    expect(error.message).toContain('A person or a system short of memory killed it');
  });

  it('that just leaves it says so', async () => {
    expect(toTrainerError(await exitOf('process.exit(0);')).message).toContain('with exit code 0 before it was done');
  });
});
