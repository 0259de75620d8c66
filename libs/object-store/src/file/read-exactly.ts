import { close, open, readv } from 'node:fs';

/**
 * Reads a file that is expected to be of `into`'s size. Each call to the system is a way to another thread and back, which
 * for a small file takes longer than the reading; here they are two, and one that nobody waits for, without a handle.
 * @returns whether it was read; not: it has another size, or the system gave less at once, and `into` says nothing.
 */
export function readExactly(path: string, into: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (notOpened, fd) => {
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
