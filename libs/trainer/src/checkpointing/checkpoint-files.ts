import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointFileError, CheckpointWriteError } from '../errors.js';

/** One file of a checkpoint. Its chunks may be put off until it is written, but must not depend on when that is. */
export interface CheckpointFile {
  readonly name: string;
  /** The file's bytes, one after the other. */
  readonly chunks: () => readonly Uint8Array[];
}

/**
 * In as few calls as possible: while training goes on, the answer to each has to wait for the end of a step. Not synced:
 * what a power cut leaves of a spool is of no use to anybody, and the object store syncs what it takes.
 */
async function writeWhole(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (let rest = chunks.filter(({ length }) => length > 0); rest.length > 0;) {
      const { bytesWritten } = await file.writev(rest);
      rest = chunksAfter(rest, bytesWritten);
    }
  } finally {
    await file.close();
  }
}

function chunksAfter(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let written = bytes;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.min(written, chunk.length));
    written -= chunk.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}

function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
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

/** The files of a checkpoint that is being written, each from its beginning to its end. */
interface FilesBeingWritten {
  readonly dir: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export interface WritingHooks {
  /** The folder is there, and nothing in it yet. */
  readonly onWriting?: (writing: FilesBeingWritten) => void;
  /** Awaited when everything is written, but for the name. */
  readonly beforeNamed?: () => Promise<void>;
}

/**
 * Writes files into `dir`, which appears only when all of them are whole: they are written in `<dir>.partial`, which is
 * then renamed. A failure leaves nothing behind.
 * @throws {CheckpointWriteError}
 */
export async function writeCheckpointFiles(
  dir: string,
  files: readonly CheckpointFile[],
  { onWriting, beforeNamed }: WritingHooks = {},
): Promise<void> {
  const partial = `${dir}.partial`;
  try {
    const contents = files.map(({ name, chunks }) => ({ name, chunks: chunks() }));
    await mkdir(partial);
    onWriting?.({ dir: partial, files: contents.map(({ name, chunks }) => ({ name, bytes: totalBytes(chunks) })) });
    const outcomes = await Promise.allSettled(
      contents.map(({ name, chunks }) => writeWhole(join(partial, name), chunks)),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    await beforeNamed?.();
    await rename(partial, dir);
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
