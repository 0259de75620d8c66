import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from './file-errors.js';

const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** Whether a file of this name is an unfinished write (or what a killed process left of one). */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

export interface DurableWrite {
  /**
   * Directories further up to be fsynced too, asked for when the file has its name. All are fsynced at once, because one
   * after the other each would have the file system write its journal once more.
   */
  readonly changed?: () => readonly string[];
  /** Everything is written, and needs only time. */
  readonly beforeSync?: (() => void) | undefined;
}

/**
 * Makes a file appear under `path`, whole and on disk, or not at all: written beside it under another name, fsynced,
 * renamed, and the directory fsynced. Replaces what was there.
 */
export async function writeDurably<Result>(
  path: string,
  write: (file: FileHandle) => Promise<Result>,
  { changed = () => [], beforeSync }: DurableWrite = {},
): Promise<Result> {
  const result = await replace(path, async (temporary) => {
    const file = await open(temporary, 'wx');
    try {
      const written = await write(file);
      beforeSync?.();
      await file.sync();
      return written;
    } finally {
      await file.close();
    }
  });
  await Promise.all([dirname(path), ...changed()].map(syncDirectory));
  return result;
}

/** Like `writeDurably`, but a power cut may take it: for local copies, which are made again from the original. */
export async function writeWhole<Result>(path: string, write: (file: FileHandle) => Promise<Result>): Promise<Result> {
  return replace(path, async (temporary) => {
    const file = await open(temporary, 'wx');
    try {
      return await write(file);
    } finally {
      await file.close();
    }
  });
}

/** Makes the names in a directory survive a power cut. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } catch (error) {
    // Some network file systems cannot sync a directory and keep names safe by themselves.
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await directory.close();
  }
}

/** Creates a directory and the missing ones above it, durably. */
export async function makeDirectoryDurably(path: string): Promise<void> {
  const firstMade = await mkdir(path, { recursive: true });
  if (firstMade === undefined) return;
  for (let made = path; made.length >= firstMade.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/**
 * Creates the missing directories between `root` and `path`, but never `root` itself: where that is gone, its disk is, and
 * a new one in its place would only hide it.
 * @param onMade called for each. Until its parent is fsynced, a power cut may take it.
 */
export async function makeDirectoryBelow(
  root: string,
  path: string,
  onMade: (directory: string) => void,
): Promise<void> {
  const missing: string[] = [];
  for (let dir = path; dir !== root && !(await isDirectory(dir)); dir = dirname(dir)) missing.unshift(dir);
  for (const dir of missing) {
    await mkdir(dir).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error; // another process was first
    });
    onMade(dir);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function replace<Result>(path: string, fill: (temporary: string) => Promise<Result>): Promise<Result> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const result = await fill(temporary);
    await rename(temporary, path);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
