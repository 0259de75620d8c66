import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import { DataNotFoundError } from './errors.js';
import type { DataSources } from './ports.js';

export interface DataLocations {
  /** Folders that data files may be read from. */
  readonly roots: readonly string[];
  readonly openBucket: (bucket: string) => ObjectStore;
}

/** Turns the data source of a specification into a local file, without letting it point anywhere it likes. */
export class LocalDataSources implements DataSources {
  constructor(private readonly locations: DataLocations) {}

  /** @throws DataNotFoundError */
  async resolve(source: string, folder: string): Promise<string | null> {
    if (source.startsWith('dataset:')) return null;
    if (source.startsWith('s3://')) return this.download(source, join(folder, 'data.csv'));
    return this.locate(source);
  }

  private async download(source: string, into: string): Promise<string> {
    const [, bucket, key] = /^s3:\/\/([^/?#]+)\/([^?#]+)$/.exec(source) ?? [];
    if (!bucket || !key) throw new DataNotFoundError(source, 'it has not the form s3://bucket/key');
    try {
      await this.locations.openBucket(bucket).getToFile(key, into);
    } catch (error) {
      // An unreachable store is for the caller to wait for; anything else does not mend by waiting.
      if (error instanceof DomainError && error.code === 'object-store-unavailable') throw error;
      throw new DataNotFoundError(source, error instanceof Error ? error.message : String(error), { cause: error });
    }
    return into;
  }

  private async locate(source: string): Promise<string> {
    const path = toPath(source);
    const roots = await Promise.all(this.locations.roots.map((root) => realpath(root).catch(() => null)));
    const places = isAbsolute(path) ? [path] : roots.flatMap((root) => (root ? [resolve(root, path)] : []));
    for (const place of places) {
      const real = await realpath(place).catch(() => null);
      if (!real) continue;
      if (!roots.some((root) => root !== null && isInside(real, root))) {
        throw new DataNotFoundError(source, 'it is outside the folders of KTRDR_DATA_ROOTS');
      }
      if (!(await stat(real)).isFile()) throw new DataNotFoundError(source, 'it is not a file');
      return real;
    }
    throw new DataNotFoundError(source, `there is no such file on this worker (KTRDR_DATA_ROOTS)`);
  }
}

function toPath(source: string): string {
  if (!source.startsWith('file:')) return source;
  try {
    return fileURLToPath(source);
  } catch (error) {
    throw new DataNotFoundError(source, 'it is not a file URL', { cause: error });
  }
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}
