import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { LocalFileError, SourceFileChangedError } from './errors.js';
import { cutIntoParts } from './file-parts.js';
import { type Span, tensorSpans } from './tensor-spans.js';

/** A local file as it is going to be stored. */
export interface CutFile {
  readonly path: string;
  readonly bytes: number;
  readonly parts: readonly Span[];
}

/**
 * Finds out into which parts a local file is cut.
 * @throws LocalFileError
 */
export async function cutFile(path: string): Promise<CutFile> {
  return withFile(path, 'r', async (file) => {
    const { size } = await file.stat();
    const tensors = extname(path) === '.safetensors' ? await tensorSpans(file, size) : [];
    return { path, bytes: size, parts: cutIntoParts(size, tensors) };
  });
}

/**
 * Reads one part into the beginning of `into`.
 * @throws SourceFileChangedError when the file has another size than it had, LocalFileError
 */
export async function readPart({ path, bytes }: CutFile, { start, end }: Span, into: Uint8Array): Promise<Uint8Array> {
  return withFile(path, 'r', async (file) => {
    const part = into.subarray(0, end - start);
    let filled = 0;
    while (filled < part.length) {
      const { bytesRead } = await file.read(part, filled, part.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const { size } = await file.stat();
    if (filled < part.length || size !== bytes) throw new SourceFileChangedError(path, bytes, size);
    return part;
  });
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

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
