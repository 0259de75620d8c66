import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isCheckpointFileName } from '@ktrdr/checkpoint';
import { z } from 'zod';
import { contentsOf, isGone } from './checkpoint-directories.js';
import { DirectoryUnusableError } from '../programs/errors.js';

/**
 * Checkpoints have plain file names and no folders. The files of any other directory get plain names, and this file maps
 * them back.
 */
const NAMES_FILE = 'ktrdr-names.json';
const Names = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.string()).transform((files) => new Map(Object.entries(files))),
  folders: z.array(z.string()),
});

/** `link` when nothing writes there any more; a program that runs might still change what it has written. */
export type TakingMode = 'link' | 'copy';

/**
 * Takes a program's directory as it is now into a new folder of the spool.
 * @returns the names of the files there; null when it changed meanwhile, and nothing was taken.
 * @throws DirectoryUnusableError, and what the file system throws
 */
export async function takeDirectory(from: string, into: string, mode: TakingMode): Promise<readonly string[] | null> {
  const before = await contentsOf(from);
  if (!before || before.count === 0) return null;
  if (before.problem !== null) throw new DirectoryUnusableError(before.problem);
  const draft = await mkdtemp(`${into}.taking-`);
  try {
    const names = plainNames(before.files);
    for (const [path, name] of names) await take(join(from, path), join(draft, name), mode);
    const stored = [...names.values()];
    const isPlain = before.folders.length === 0 && before.files.every((path) => names.get(path) === path);
    if (!isPlain) {
      const files = Object.fromEntries([...names].map(([path, name]) => [name, path]));
      await writeFile(join(draft, NAMES_FILE), JSON.stringify({ version: 1, files, folders: before.folders }));
      stored.push(NAMES_FILE);
    }
    // A link changes the inode of a file, so only a copy can be compared afterwards.
    const after = mode === 'copy' ? await contentsOf(from) : before;
    if (after?.fingerprint !== before.fingerprint) return await discard(draft);
    await rename(draft, into);
    return stored;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (isGone(error)) return null;
    throw error;
  }
}

/** Makes a program's directory from a stored checkpoint: a copy, which the program may change. */
export async function returnDirectory(stored: string, into: string): Promise<void> {
  const files = await readdir(stored);
  await mkdir(into, { recursive: true });
  const named = files.includes(NAMES_FILE) ? parseNames(await readFile(join(stored, NAMES_FILE), 'utf8')) : null;
  for (const folder of named?.folders ?? []) await mkdir(join(into, safePath(folder)), { recursive: true });
  for (const name of files) {
    if (name === NAMES_FILE) continue;
    const target = join(into, safePath(named?.files.get(name) ?? name));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(stored, name), target, constants.COPYFILE_FICLONE);
  }
}

/** Not a type guard, which would narrow every other path to `never`. */
function isPlainName(path: string): boolean {
  return isCheckpointFileName(path) && path !== NAMES_FILE;
}

function plainNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(paths);
  let count = 0;
  const invented = (): string => {
    for (;;) {
      count += 1;
      const name = `file-${String(count).padStart(5, '0')}`;
      if (!taken.has(name)) return name;
    }
  };
  return new Map(paths.map((path) => [path, isPlainName(path) ? path : invented()] as const));
}

async function take(from: string, to: string, mode: TakingMode): Promise<void> {
  if (mode === 'link') {
    try {
      return await link(from, to);
    } catch (error) {
      if (isGone(error)) throw error; // otherwise: another file system, or one without links
    }
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

async function discard(draft: string): Promise<null> {
  await rm(draft, { recursive: true, force: true });
  return null;
}

function parseNames(text: string): z.infer<typeof Names> {
  try {
    return Names.parse(JSON.parse(text));
  } catch (error) {
    throw new DirectoryUnusableError(`The checkpoint's ${NAMES_FILE} cannot be read`, {}, { cause: error });
  }
}

/** A checkpoint comes from a store; nothing in it may reach beyond its own directory. */
function safePath(path: string): string {
  const isSafe = !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isSafe) throw new DirectoryUnusableError(`The checkpoint names a file ${JSON.stringify(path)} outside of it`);
  return path;
}
