import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
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

const SLICE_BYTES = 512 * 1024;
let last: Promise<unknown> = Promise.resolve();

/**
 * The same for bytes that take milliseconds. Hashes in slices and yields to the event loop between them, because reads and
 * writes of other parts need it often. Hashes one body at a time, so that the first is written while the next is hashed.
 * The caller must not change the bytes until it settles.
 */
export function sha256InTurn(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SLICE_BYTES) return Promise.resolve(sha256Of(bytes));
  const hashed = last.then(() => sha256InSlices(bytes));
  last = hashed.catch(() => undefined); // the next one must not fail for it
  return hashed;
}

async function sha256InSlices(bytes: Uint8Array): Promise<string> {
  const sha256 = createHash('sha256');
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    sha256.update(bytes.subarray(start, start + SLICE_BYTES));
    await yieldToEventLoop();
  }
  return sha256.digest('hex');
}
