import { flush, run, settings } from '@oclif/core';
import { endOnBrokenPipe } from './broken-pipe.js';
import { toFailure } from './failure.js';
import { paintFor } from './render/paint.js';
import { renderProblem } from './render/problem.js';

/** Runs one command line. Commands report their own failures; what reaches this is about the command line itself. */
export async function main(argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  endOnBrokenPipe([process.stdout, process.stderr], () => process.exit());
  try {
    await run(argv, import.meta.url);
  } catch (error) {
    const { exitCode, problem, stack } = toFailure(error);
    process.exitCode = exitCode;
    if (exitCode !== 0) {
      if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(problem, null, 2)}\n`);
      else
        process.stderr.write(
          `${renderProblem(problem, { paint: paintFor(process.stderr), next: [helpFor(error)] })}\n`,
        );
    }
    if (stack) process.stderr.write(`${stack}\n`);
  }
  await flush();
}

/** The help of the topic that was meant, where there is one. */
function helpFor(error: unknown): string {
  const [, topic] = /^command ([\w-]+):\S+ not found$/.exec(error instanceof Error ? error.message : '') ?? [];
  return topic ? `ktrdr ${topic} --help` : 'ktrdr --help';
}
