import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { inRepository } from '../../../tools/repository.js';

const DIRECTORY_PROGRAM = join(import.meta.dirname, 'fixtures/directory-program.mjs');

/** What lets a worker run the programs of these tests: this Node.js and, where it is, Python. */
export function allowingEnv(...programs: string[]): Record<string, string> {
  return {
    KTRDR_PROCESS_TRAINERS: 'allow',
    KTRDR_PROCESS_PROGRAMS: [process.execPath, ...programs].join(','),
    KTRDR_PROCESS_DIR: inRepository(),
  };
}

type Trainer = Readonly<Record<string, unknown>>;

/** A spec for the counting program that writes directories. */
export function directorySpec(params: Trainer, trainer: Trainer = {}): Record<string, unknown> & { steps: number } {
  const { steps = 60 } = params as { readonly steps?: number };
  return {
    version: 1,
    trainer: {
      kind: 'process',
      command: [process.execPath, DIRECTORY_PROGRAM, 'from the start'],
      resume_args: ['then {resume_dir}'],
      complete: { by: 'rename' },
      log_patterns: ['^step (?<step>\\d+) of (?<steps>\\d+), loss (?<loss>\\S+)'],
      grace_seconds: 5,
      ...trainer,
    },
    params: { steps, ...params },
    steps,
  };
}

/** What the counting program ends with, however often it was interrupted. */
export function countedValue(steps: number): number {
  let value = 1;
  for (let step = 1; step <= steps; step += 1) value = (value * 31 + step * 7 + 1) % 1_000_003;
  return value;
}

/** Whether python3 is there and can import these; says why not. */
export function hasPython(...modules: string[]): boolean {
  try {
    execFileSync('python3', ['-c', ['import sys', ...modules.map((name) => `import ${name}`)].join('\n')], {
      stdio: 'pipe',
    });
    return true;
  } catch (error) {
    const what = ['python3', ...modules].join(' with ');
    process.stderr.write(`tests with ${what} are skipped: ${String(error).split('\n')[0]}\n`);
    return false;
  }
}
