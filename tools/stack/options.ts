import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What `npm run stack` was asked for. */
export type StackOptions = Readonly<{
  workers: number;
  /** Absolute. */
  dataDir: string;
  readyFile: string | undefined;
  /** 0: the port of last time or 8080 when it is free, else any. */
  port: number;
  keepGoing: boolean;
  /** Folders, with commas, that workers may read data files from; the examples when not said. */
  dataRoots?: string;
}>;

/** The text of `--help`. */
export const USAGE = `npm run stack -- [options]

  --workers N        workers to start (2)
  --data-dir DIR     where everything is kept (.ktrdr)
  --port P           port of the API (the one of last time, 8080, or any free one)
  --ready-file FILE  write the addresses there, as JSON, once everything answers
  --keep-going       stay up when PostgreSQL, NATS or the API dies

Data files of your own are read from below this folder, or from the folders in KTRDR_DATA_ROOTS.`;

function wholeNumber(name: string, text: string, highest: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > highest)
    throw new Error(`--${name} must be a whole number from 0 to ${highest}, not ${text}.`);
  return value;
}

/** Reads the command line; undefined when only help was asked for. Relative paths start where the command was typed. */
export function parseStackOptions(args: readonly string[], cwd: string): StackOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workers: { type: 'string', default: '2' },
      'data-dir': { type: 'string', default: '.ktrdr' },
      'ready-file': { type: 'string' },
      port: { type: 'string', default: '0' },
      'keep-going': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const readyFile = values['ready-file'];
  return {
    workers: wholeNumber('workers', values.workers, 64),
    dataDir: resolve(cwd, values['data-dir']),
    readyFile: readyFile === undefined ? undefined : resolve(cwd, readyFile),
    port: wholeNumber('port', values.port, 65_535),
    keepGoing: values['keep-going'],
  };
}
