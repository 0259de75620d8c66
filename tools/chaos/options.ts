import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

/** What `npm run chaos` was asked for. */
export type ChaosOptions = Readonly<{
  /** How long faults are injected. */
  minutes: number;
  /** Decides every fault and every client action. */
  seed: string;
  operations: number;
  workers: number;
  apis: number;
  json: boolean;
  /** Leaves the data directory with its logs behind. */
  keep: boolean;
}>;

/** The command line asks for something that there is not. */
export class UsageError extends Error {}

export const USAGE = `npm run chaos -- [options]

Starts a stack of its own, trains on it, breaks it at random for a while, and checks that nothing was lost.

  --minutes N      how long it is broken (2)
  --seed S         repeats the plan of another run (a new one each time)
  --operations N   trainings (20)
  --workers N      workers (3)
  --apis N         API replicas (2)
  --keep           leaves the data directory with all logs behind; it stays after a violation too
  --json           the report as one JSON document on stdout, progress on stderr

Exit code 0: every invariant held. 1: one did not, or the run could not be done. 2: wrong usage. 130: stopped by a signal.`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;

/** Reads the command line; undefined when only help was asked for. */
export function parseChaosOptions(args: readonly string[]): ChaosOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  return {
    minutes: numberIn('minutes', values.minutes ?? '2', { from: 0.1, to: 600 }),
    seed: values.seed ?? randomBytes(4).toString('hex'),
    operations: numberIn('operations', values.operations ?? '20', { from: 1, to: 500, isWhole: true }),
    workers: numberIn('workers', values.workers ?? '3', { from: 1, to: 32, isWhole: true }),
    apis: numberIn('apis', values.apis ?? '2', { from: 1, to: 8, isWhole: true }),
    json: values.json,
    keep: values.keep,
  };
}

function parse(args: readonly string[]) {
  const options = { minutes: TEXT, seed: TEXT, operations: TEXT, workers: TEXT, apis: TEXT, json: FLAG, keep: FLAG };
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { ...FLAG, short: 'h' } } }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function numberIn(
  name: string,
  text: string,
  { from, to, isWhole = false }: { readonly from: number; readonly to: number; readonly isWhole?: boolean },
): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= from && value <= to && (!isWhole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} must be a ${isWhole ? 'whole ' : ''}number from ${from} to ${to}, not ${text}.`);
}
