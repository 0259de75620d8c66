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
 * Writes in as few calls as possible: during training each call returns only after a step. Does not sync: a spool is
 * worthless after a power cut, and the object store syncs what it takes.
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
  /** Called when the folder exists, before the first write. */
  readonly onWriting?: (writing: FilesBeingWritten) => void;
  /** Awaited after the last write, before the rename. */
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
