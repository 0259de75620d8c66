import { open } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;

/** A file from its beginning to its end. A small one costs one read, into a buffer of its own size. */
export async function* chunksOfFile(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    let expected = (await file.stat()).size;
    for (;;) {
      // One byte more than there should be: a read that leaves it empty has met the end of the file.
      const buffer = Buffer.allocUnsafe(expected < 0 ? CHUNK_BYTES : Math.min(expected + 1, CHUNK_BYTES));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      expected -= bytesRead;
      if (bytesRead === 0 || (expected === 0 && bytesRead < buffer.length)) return;
    }
  } finally {
    await file.close();
  }
}
