import { type Command, flush, run, settings } from '@oclif/core';
import { toFailure } from './errors/failure.js';
import { paintFor } from './render/terminal/paint.js';
import { renderProblem } from './errors/problem.js';
import { printed } from './render/terminal/layout.js';

/** Runs one command line. Commands report their own failures; what reaches this is about the command line itself. */
export async function main(argv: string[]): Promise<void> {
  settings.enableAutoTranspile = false;
  endOnBrokenPipe();
  try {
    await run(argv, import.meta.url);
  } catch (error) {
    const commands = await knownCommands();
    const { exitCode, problem, stack } = toFailure(error, { commands });
    process.exitCode = exitCode;
    if (exitCode !== 0) {
      if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(problem, null, 2)}\n`);
      else {
        const shown = renderProblem(problem, [helpFor(error, commands)]);
        process.stderr.write(`${printed(shown, paintFor(process.stderr))}\n`);
      }
    }
    if (stack) process.stderr.write(`${stack}\n`);
  }
  await flush();
}

/** Ends the program in silence once the reader of its output is gone, as with `ktrdr operations | head`. */
function endOnBrokenPipe(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') process.exit();
    });
  }
}

/** The help of the topic that was meant, where there is one. */
function helpFor(error: unknown, commands: readonly string[]): string {
  const [, topic] = /^command ([\w-]+):\S+ not found$/.exec(error instanceof Error ? error.message : '') ?? [];
  return topic !== undefined && commands.includes(topic) ? `ktrdr ${topic} --help` : 'ktrdr --help';
}

/** Loaded only after a mistyped command. */
async function knownCommands(): Promise<readonly string[]> {
  const { default: commands } = await import('./commands.js');
  const all: Readonly<Record<string, Command.Class>> = commands;
  return Object.entries(all)
    .flatMap(([id, { aliases = [] }]) => [id, ...aliases])
    .map((id) => id.replaceAll(':', ' '));
}
