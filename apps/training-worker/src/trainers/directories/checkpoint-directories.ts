import { isUtf8 } from 'node:buffer';
import { type BigIntStats, type Dirent, readdirSync } from 'node:fs';
import { lstat, opendir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PlaceEntry } from './checkpoint-names.js';

/** Of more the list is too long for a message to the API. */
const MAX_FILES = 2_000;
const MAX_FOLDERS = 2_000;
const MAX_DEPTH = 32;
const TOO_DEEP = `it has folders more than ${MAX_DEPTH} deep`;

/** Everything in a directory, by paths in it. */
export interface Contents {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** How many entries there are, folders excepted; those included that make it unusable. */
  readonly count: number;
  readonly fingerprint: string;
  /** Why it cannot be made a checkpoint as it is now; null: it can. */
  readonly problem: string | null;
}

interface Found {
  readonly path: string;
  /** null: nothing can be asked of a name that is no text. */
  readonly stats: BigIntStats | null;
}

interface Collected {
  readonly found: Found[];
  files: number;
  problem: string | null;
}

/** The entries of a place; none when the place does not exist. */
export async function entriesOf(place: string): Promise<readonly PlaceEntry[]> {
  try {
    return (await readdir(place, { withFileTypes: true })).map(toEntry);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The same, synchronously: nothing can come between this and the next action. null: unreadable. */
export function entriesNow(place: string): readonly PlaceEntry[] | null {
  try {
    return readdirSync(place, { withFileTypes: true }).map(toEntry);
  } catch {
    return null;
  }
}

/**
 * What is in a directory, however deep; null when it is gone, or something goes while it is read. Of one with too many
 * files only some are read.
 */
export async function contentsOf(directory: string): Promise<Contents | null> {
  const collected: Collected = { found: [], files: 0, problem: null };
  try {
    await collect(directory, '', 0, collected);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  const sorted = collected.found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    files: sorted.filter(({ stats }) => stats?.isFile()).map(({ path }) => path),
    folders: sorted.filter(({ stats }) => stats?.isDirectory()).map(({ path }) => path),
    count: collected.files,
    fingerprint: sorted.map(toLine).join('\n'),
    problem: collected.problem && `${basename(directory)} is passed over: ${collected.problem}`,
  };
}

/** Whether there is something of this name in it that is no folder. */
export async function holds(directory: string, name: string): Promise<boolean> {
  try {
    return !(await lstat(join(directory, name))).isDirectory();
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

export function isGone(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** @returns false: there is too much in it, and the rest is not read */
async function collect(root: string, under: string, depth: number, into: Collected): Promise<boolean> {
  // As Latin-1 each byte of a name is a character, so that one which is no text is noticed.
  for await (const entry of await opendir(join(root, under), { encoding: 'latin1' })) {
    const bytes = Buffer.from(entry.name, 'latin1');
    const path = under ? `${under}/${bytes.toString()}` : bytes.toString();
    const stats = isUtf8(bytes) ? await lstat(join(root, path), { bigint: true }) : null;
    into.found.push({ path, stats });
    if (!stats?.isDirectory()) into.files += 1;
    into.problem ??= problemOf(path, stats);
    const limit = tooMuchIn(into) ?? (stats?.isDirectory() && depth >= MAX_DEPTH ? TOO_DEEP : null);
    if (limit !== null) into.problem = limit;
    if (limit !== null || (stats?.isDirectory() && !(await collect(root, path, depth + 1, into)))) return false;
  }
  return true;
}

function tooMuchIn({ found, files }: Collected): string | null {
  if (files > MAX_FILES) return `it holds more than ${MAX_FILES} files`;
  if (found.length - files > MAX_FOLDERS) return `it holds more than ${MAX_FOLDERS} folders`;
  return null;
}

function problemOf(path: string, stats: BigIntStats | null): string | null {
  if (!stats) return `it holds ${path}, whose name is not UTF-8`;
  if (stats.isFile() || stats.isDirectory()) return null;
  return `it holds ${path}, which is neither file nor folder; a checkpoint has no links, sockets or devices`;
}

function toLine({ path, stats }: Found): string {
  return JSON.stringify([path, stats && `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`]);
}

function toEntry(entry: Dirent): PlaceEntry {
  const kind = entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other';
  return { name: entry.name, kind };
}
