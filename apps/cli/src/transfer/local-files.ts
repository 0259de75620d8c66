import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError } from '@ktrdr/errors';
import { UsageError } from '../errors/errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of disk space is used up',
  EFBIG: 'the file system takes no file of this size',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a directory, not a file',
  EEXIST: 'it exists already',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  ENOTEMPTY: 'it exists already',
  EIO: 'the disk reports an error',
};

/** The system's error about a file, in plain words. */
export function reasonOfFileError(error: unknown): string {
  return REASONS[codeOfFileError(error) ?? ''] ?? (error as Error).message;
}

export function codeOfFileError(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * Turns the system's error of a write below `path` into one that says what to do. Other errors pass as they are: those of
 * the API have words of their own.
 */
export function asWriteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof DomainError || !('syscall' in error)) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOfFileError(error) ?? '');
  const advice = isFull ? 'Make room, or give another place' : 'Give another place, or make this one usable';
  const message = `Cannot write to ${path}: ${reasonOfFileError(error)}. Nothing was kept. ${advice}`;
  return new UsageError(message, { path }, { cause: error });
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

/** A link that leads nowhere is in the way, too. @throws {UsageError} */
export async function assertAbsent(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (codeOfFileError(error) === 'ENOENT') return;
    throw new UsageError(`Cannot make the folder ${path}: ${reasonOfFileError(error)}. Give another place`, { path });
  }
  throw new UsageError(`${path} exists already. Give the name of a new folder`, { path });
}

/**
 * Makes a new folder, and the missing ones above it.
 * @returns all that it made, the outermost first.
 * @throws {UsageError}
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const made: string[] = [];
  try {
    await make(path, made);
    return made;
  } catch (error) {
    await removeEmpty(made);
    const reason = codeOfFileError(error) === 'ENOENT' ? 'none can be made there' : reasonOfFileError(error);
    throw new UsageError(`Cannot make the folder ${path}: ${reason}. Give another place, or make this one usable`, {
      path,
    });
  }
}

/** Removes folders that {@link makeFolder} made and that are empty. */
export async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const folder of made.toReversed()) await rmdir(folder).catch(() => undefined);
}

/** Node's own recursion never ends where a folder exists and takes none, such as /proc. */
async function make(path: string, made: string[]): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const parent = dirname(path);
    if (codeOfFileError(error) !== 'ENOENT' || parent === path || (await isFolder(parent))) throw error;
    await make(parent, made);
    await mkdir(path);
  }
  made.push(path);
}

/** A directory, a pipe or a device instead of a file. */
class NoPlainFileError extends Error {}

/**
 * Opens a file to read it, and nothing that could make a reader wait for ever.
 * @throws {NoPlainFileError}, or the system's error.
 */
export async function openPlainFile(path: string): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // opening a pipe would wait for its writer
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new NoPlainFileError(`it is ${kindOf(found)}, not a file`);
    return { file, bytes: found.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  return found.isFIFO() ? 'a pipe' : 'a device';
}
