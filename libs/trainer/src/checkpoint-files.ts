import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointFileError, CheckpointWriteError } from './errors.js';

/** One file of a checkpoint; `bytes` may be put off until it is written, but must not depend on when that is. */
export interface CheckpointFile {
  readonly name: string;
  readonly bytes: () => Uint8Array;
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes what was created or renamed in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Writes files into `dir`, which appears only when all of them are on disk: they are written and synced in
 * `<dir>.partial`, then renamed. A failure leaves nothing behind.
 * @param beforeNamed awaited when everything is on disk, but for the name.
 * @throws {CheckpointWriteError}
 */
export async function writeCheckpointFiles(
  dir: string,
  files: readonly CheckpointFile[],
  beforeNamed: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const partial = `${dir}.partial`;
  try {
    await mkdir(partial);
    await Promise.all(files.map(({ name, bytes }) => writeDurably(join(partial, name), bytes())));
    await syncFolder(partial);
    await beforeNamed();
    await rename(partial, dir);
    await syncFolder(dirname(dir));
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw new CheckpointWriteError(dir, cause);
  }
}

/**
 * Reads one file of a checkpoint.
 * @throws {CheckpointFileError} when it cannot be read.
 */
export async function readCheckpointFile(dir: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(dir, name));
  } catch (cause) {
    throw new CheckpointFileError(name, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
