import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LocalFileError } from './errors.js';
import type { ObjectDigest } from './ports.js';

/** Streams bytes through SHA-256. */
export async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<ObjectDigest> {
  const sha256 = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    sha256.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: sha256.digest('hex') };
}

/**
 * The size and SHA-256 of a local file, read as a stream.
 * @throws LocalFileError
 */
export async function digestOfFile(path: string): Promise<ObjectDigest> {
  try {
    return await digestOf(createReadStream(path, { highWaterMark: 1024 * 1024 }));
  } catch (error) {
    throw new LocalFileError('read', path, error);
  }
}

/** Lower-case hexadecimal SHA-256 of bytes in memory. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}
