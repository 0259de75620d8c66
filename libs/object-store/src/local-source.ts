import { stat } from 'node:fs/promises';
import { LocalFileError, SourceFileChangedError } from '@ktrdr/checkpoint';

/** @throws SourceFileChangedError unless the local file has exactly `bytes` bytes, LocalFileError when it is gone. */
export async function assertSize(path: string, bytes: number): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw new LocalFileError('read', path, error);
  });
  if (found.size !== bytes) throw new SourceFileChangedError(path, bytes, found.size);
}
