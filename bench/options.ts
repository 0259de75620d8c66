import { parseArgs } from 'node:util';

/** What `npm run bench` was asked for. */
export type BenchOptions = Readonly<{ names: readonly string[]; json: boolean }>;

/** The command line asks for something that there is not; the message names what there is. */
export class UsageError extends Error {}

export const USAGE = `npm run bench -- [NAME …] [--json]

  NAME …   benches to run, in this order; all when none is named
  --json   one JSON line a figure instead of a table`;

/** Reads the command line; undefined when only help was asked for. */
export function parseBenchOptions(args: readonly string[], known: readonly string[]): BenchOptions | undefined {
  const { json, help, positionals } = parse(args, known);
  if (help) return undefined;
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`There is no bench ${unknown.join(' or ')}; there are ${known.join(', ')}.`);
  return { names: positionals.length === 0 ? known : [...new Set(positionals)], json };
}

function parse(args: readonly string[], known: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
    return { ...values, positionals };
  } catch (error) {
    const unknown = /'(-[^'\s]+)/.exec((error as Error).message)?.[1] ?? args.join(' ');
    throw new UsageError(`There is no option ${unknown}; there is --json, and the benches ${known.join(', ')}.`, {
      cause: error,
    });
  }
}
