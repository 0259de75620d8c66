import type { BigIntStats } from 'node:fs';
import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryState } from './completeness.js';
import { DirectoryUnusableError } from './errors.js';

const NAME = /^checkpoint-(\d{1,15})$/;
/** More is a data set and no checkpoint. */
const MAX_FILES = 10_000;
const MAX_DEPTH = 32;

/** Everything in a directory, files by their paths in it. */
export interface Contents {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly fingerprint: string;
}

export function directoryName(step: number): string {
  return `checkpoint-${step}`;
}

/** Steps of the checkpoint directories that there are; none when there is no such place. */
export async function stepsIn(place: string): Promise<readonly number[]> {
  const entries = await readdir(place, { withFileTypes: true }).catch((error: unknown) => {
    if (isGone(error)) return [];
    throw error;
  });
  return entries.flatMap((entry) => {
    const [, step] = NAME.exec(entry.name) ?? [];
    return step !== undefined && entry.isDirectory() ? [Number(step)] : [];
  });
}

/** As it is now; null when it is gone. @throws DirectoryUnusableError */
export async function stateOf(place: string, step: number): Promise<DirectoryState | null> {
  const contents = await contentsOf(join(place, directoryName(step)));
  if (!contents) return null;
  const { files, fingerprint } = contents;
  return { step, fingerprint, names: files.filter((path) => !path.includes('/')), files: files.length };
}

/** What is in a directory, however deep; null when it is gone, or something goes while one looks. @throws DirectoryUnusableError */
export async function contentsOf(directory: string): Promise<Contents | null> {
  const found: { readonly path: string; readonly stats: BigIntStats }[] = [];
  try {
    await collect(directory, '', 0, found);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  const sorted = found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    files: sorted.filter(({ stats }) => stats.isFile()).map(({ path }) => path),
    folders: sorted.filter(({ stats }) => stats.isDirectory()).map(({ path }) => path),
    fingerprint: sorted
      .map(({ path, stats }) => JSON.stringify([path, `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`]))
      .join('\n'),
  };
}

async function collect(
  root: string,
  under: string,
  depth: number,
  found: { readonly path: string; readonly stats: BigIntStats }[],
): Promise<void> {
  if (depth > MAX_DEPTH) throw new DirectoryUnusableError(`${root} has folders more than ${MAX_DEPTH} deep`);
  for await (const entry of await opendir(join(root, under))) {
    const path = under ? `${under}/${entry.name}` : entry.name;
    const stats = await lstat(join(root, path), { bigint: true });
    if (!stats.isFile() && !stats.isDirectory()) {
      throw new DirectoryUnusableError(
        `${root} holds ${path}, which is neither file nor folder; a checkpoint has no links, sockets or devices`,
        { path },
      );
    }
    found.push({ path, stats });
    if (found.length > MAX_FILES) throw new DirectoryUnusableError(`${root} holds more than ${MAX_FILES} files`);
    if (stats.isDirectory()) await collect(root, path, depth + 1, found);
  }
}

export function isGone(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
