import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TrainingSpec } from '@ktrdr/specs';
import { DataNotFoundError } from './errors.js';

type DataSpec = TrainingSpec['data'];

const BUILT_IN_SOURCE = 'dataset:sp500';
/** Daily S&P 500, 2000-01-03 to 2020-04-17: date, open, high, low, close, adjclose, volume. */
const BUILT_IN_FILE = 'sp500-2000.csv';

/** The raw bytes of the data. `dataFile` null stands for the built-in set. Throws DataNotFoundError. */
export async function readSource({ source }: DataSpec, dataFile: string | null): Promise<Buffer> {
  const file = dataFile ?? locateBuiltIn(source);
  try {
    return await readFile(file);
  } catch (error) {
    throw new DataNotFoundError(source, whyUnreadable(file, error), { cause: error });
  }
}

/**
 * The column that holds the prices. The built-in set has no `price`, so that default means its `close` there; any other
 * name (`adjclose`, `open` …) is taken as written.
 */
export function priceColumnOf({ source, price_column }: DataSpec): string {
  return source === BUILT_IN_SOURCE && price_column === 'price' ? 'close' : price_column;
}

function locateBuiltIn(source: string): string {
  if (source !== BUILT_IN_SOURCE)
    throw new DataNotFoundError(source, 'no local file was given for it; only a built-in dataset needs none');
  try {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    return join(entry, '..', '..', 'data', BUILT_IN_FILE);
  } catch (error) {
    throw new DataNotFoundError(source, 'the npm package vega-datasets is not installed; run npm ci', { cause: error });
  }
}

function whyUnreadable(file: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no file ${file} on this worker`;
    case 'EISDIR':
      return `${file} is a folder; name a CSV file`;
    case 'EACCES':
    case 'EPERM':
      return `this worker may not read ${file}; grant it read access`;
    default:
      return `${file} cannot be read (${code})`;
  }
}
