import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import { DataNotFoundError } from '../errors.js';
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

  /** What is outside the folders gets one answer, whether it is there or not. */
  private async locate(source: string): Promise<string> {
    const path = toPath(source);
    const folders = await Promise.all(this.locations.roots.map(async (root) => [resolve(root), await leadsTo(root)]));
    const isAllowed = (place: string) => folders.flat().some((folder) => isInside(place, folder));
    const named = `the folders of KTRDR_DATA_ROOTS (${this.locations.roots.join(', ')})`;
    const outside = () => new DataNotFoundError(source, `it is outside ${named}`);
    const asked = isAbsolute(path)
      ? [resolve(path)]
      : folders.flatMap(([, root]) => (root ? [resolve(root, path)] : []));
    const places = asked.filter(isAllowed);
    if (places.length === 0) throw outside();
    for (const place of places) {
      const real = await leadsTo(place);
      if (!isAllowed(real)) throw outside();
      const found = await stat(real).catch(() => null);
      if (!found) continue;
      if (!found.isFile()) throw new DataNotFoundError(source, 'it is not a file');
      return real;
    }
    throw new DataNotFoundError(source, `there is no such file on this worker in ${named}`);
  }
}

/** More links in a row lead round in a circle. */
const LINKS_AT_MOST = 40;

/** The real path, also of what is not there: as far as there are folders and links, they are followed. */
async function leadsTo(path: string, links = 0): Promise<string> {
  const real = await realpath(path).catch(() => null);
  const place = resolve(path);
  const parent = dirname(place);
  if (real !== null || parent === place || links > LINKS_AT_MOST) return real ?? place;
  const folder = await leadsTo(parent, links);
  const link = await readlink(place).catch(() => null);
  return link === null ? join(folder, basename(place)) : leadsTo(resolve(folder, link), links + 1);
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
