import { parseArgs } from 'node:util';

/** The text of `--help`. */
export const USAGE = `npm run quickstart

Starts the embedded stack in a temporary folder, trains a strategy twice, once in one go and once cancelled half-way and
resumed on another worker, and compares the weights. Exit code 0: they are equal, 1: they are not, 2: wrong usage.
It takes no options but --help, and about a minute.`;

/** What the command line of the quickstart asks for. @throws TypeError for what it does not know */
export function parseQuickstartOptions(args: readonly string[]): { readonly isHelp: boolean } {
  const { values } = parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h', default: false } } });
  return { isHelp: values.help };
}
