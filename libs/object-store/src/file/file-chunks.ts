import { close, open as openFile, readv } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

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

/**
 * Reads the beginning of a file into all of `into`.
 * @throws Error with the code `EIO` when the file is shorter than it says.
 */
export async function fill(file: FileHandle, into: Uint8Array): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, filled);
    if (bytesRead === 0) throw Object.assign(new Error(`it ends after ${filled} bytes`), { code: 'EIO' });
    filled += bytesRead;
  }
}

/** Writes bytes to the beginning of a file, in as few calls as the system takes them. */
export async function writeAll(file: FileHandle, body: Uint8Array): Promise<void> {
  for (let written = 0; written < body.length;) {
    written += (await file.write(body, written, body.length - written, written)).bytesWritten;
  }
}

/**
 * Reads a file that is expected to be of `into`'s size. Each system call is a round trip to another thread, which for a
 * small file takes longer than the read itself. This takes two, and a close that is not awaited.
 * @returns false: the file has another size, or the read was short; `into` is then undefined.
 */
export function readExactly(path: string, into: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    openFile(path, 'r', (notOpened, fd) => {
      if (notOpened) return reject(notOpened);
      // One byte more than there should be: a read that leaves it empty has met the end of the file.
      readv(fd, [into, new Uint8Array(1)], 0, (notRead, bytes) => {
        close(fd, () => undefined); // it was only read, so there is nothing that closing could lose
        if (notRead) reject(notRead);
        else resolve(bytes === into.length);
      });
    });
  });
}
