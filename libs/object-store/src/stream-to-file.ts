import { createHash } from 'node:crypto';
import { LocalFileError, type ObjectDigest } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import { writeWhole } from './file/durable-file.js';

/**
 * Streams bytes into a file, which appears only when it is complete, and hashes them on the way.
 * @param chunks fails with a `DomainError` when the source does.
 * @throws LocalFileError when the file cannot be written.
 */
export async function streamToFile(chunks: AsyncIterable<Uint8Array>, path: string): Promise<ObjectDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await writeWhole(path, async (file) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        await file.writeFile(chunk);
        bytes += chunk.length;
      }
    });
  } catch (error) {
    throw error instanceof DomainError ? error : new LocalFileError('write', path, error);
  }
  return { bytes, sha256: hash.digest('hex') };
}
