import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What `npm run bench` was asked for. */
export type BenchOptions = Readonly<{
  names: readonly string[];
  json: boolean;
  /** Absolute path of another checkout. */
  reference: string | undefined;
}>;

/** The command line asks for something that there is not; the message names what there is. */
export class UsageError extends Error {}

export const USAGE = `npm run bench -- [NAME …] [--json] [--reference DIR]

  NAME …   benches to run, in this order; all when none is named
  --json   one JSON line a figure instead of a table
  --reference DIR   another checkout, which is built: dispatch and rest measure it in the same run`;

/** Reads the command line; undefined when only help was asked for. */
export function parseBenchOptions(
  args: readonly string[],
  known: readonly string[],
  cwd = '/',
): BenchOptions | undefined {
  const { json, help, reference, positionals } = parse(args, known);
  if (help) return undefined;
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`There is no bench ${unknown.join(' or ')}; there are ${known.join(', ')}.`);
  return {
    names: positionals.length === 0 ? known : [...new Set(positionals)],
    json,
    reference: reference === undefined ? undefined : resolve(cwd, reference),
  };
}

function parse(args: readonly string[], known: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        reference: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return { ...values, positionals };
  } catch (error) {
    const unknown = /'(-[^'\s]+)/.exec((error as Error).message)?.[1] ?? args.join(' ');
    throw new UsageError(
      `There is no option ${unknown}; there are --json and --reference DIR, and the benches ${known.join(', ')}.`,
      {
        cause: error,
      },
    );
  }
}
