import { type FileHandle, open } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { LocalFileError, SourceFileChangedError } from '../errors.js';
import { cutIntoParts } from './file-parts.js';
import { type Span, tensorSpans } from './tensor-spans.js';

/** A local file that is stored part by part. */
export interface PartedFile {
  readonly name: string;
  readonly bytes: number;
  /**
   * Reads one part into the beginning of `into`.
   * @throws SourceFileChangedError when the file has another size than it had, LocalFileError
   */
  readPart(span: Span, into: Uint8Array): Promise<Uint8Array>;
}

/** One part of it. */
export interface FilePart {
  readonly file: PartedFile;
  readonly span: Span;
}

/**
 * Finds out into which parts a local file is cut.
 * @throws LocalFileError
 */
export async function cutFile(dir: string, name: string): Promise<PartedFile & { readonly parts: readonly Span[] }> {
  const path = join(dir, name);
  return withFile(path, 'r', async (file) => {
    const { size } = await file.stat();
    const parts = cutIntoParts(size, isSafetensors(name) ? await tensorSpans(file, size) : []);
    return { name, bytes: size, parts, readPart: (span, into) => readPart({ path, bytes: size }, span, into) };
  });
}

/** Whether it is cut where its tensors are. */
export function isSafetensors(name: string): boolean {
  return extname(name) === '.safetensors';
}

async function readPart(
  { path, bytes }: { readonly path: string; readonly bytes: number },
  span: Span,
  into: Uint8Array,
): Promise<Uint8Array> {
  return withFile(path, 'r', async (file) => {
    const part = await readSpan(file, span, into);
    const { size } = await file.stat();
    if (!part || size !== bytes) throw new SourceFileChangedError(path, bytes, size);
    return part;
  });
}

/** Reads bytes of a file into the beginning of `into`. Null when the file ends before they do. */
export async function readSpan(file: FileHandle, { start, end }: Span, into: Uint8Array): Promise<Uint8Array | null> {
  const part = into.subarray(0, end - start);
  let filled = 0;
  while (filled < part.length) {
    const { bytesRead } = await file.read(part, filled, part.length - filled, start + filled);
    if (bytesRead === 0) return null;
    filled += bytesRead;
  }
  return part;
}

/** Writes all of `part`, in as few calls as the system takes it: on a disk that is nearly full it takes less, and says so. */
export async function writeSpan(file: Pick<FileHandle, 'write'>, part: Uint8Array, start: number): Promise<void> {
  for (let written = 0; written < part.length;) {
    written += (await file.write(part, written, part.length - written, start + written)).bytesWritten;
  }
}

/**
 * Opens a local file for as long as `act` takes.
 * @throws LocalFileError for whatever the file system refuses.
 */
export async function withFile<Result>(
  path: string,
  flags: 'r' | 'r+' | 'wx',
  act: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const action = flags === 'r' ? 'read' : 'write';
  const file = await open(path, flags).catch((error: unknown) => {
    throw new LocalFileError(action, path, error);
  });
  try {
    return await act(file);
  } catch (error) {
    if (isSystemError(error)) throw new LocalFileError(action, path, error);
    throw error;
  } finally {
    await file.close();
  }
}

/** Whether the file system refused something, and with this code where one is given. */
export function isSystemError(error: unknown, code?: string): boolean {
  if (typeof error !== 'object' || error === null || !('syscall' in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}
