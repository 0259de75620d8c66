import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

/**
 * The thread of `SmallFiles`. It reads without giving way, which is why it is one: a system call takes a fraction of what
 * handing it to another thread and back takes. It imports nothing of ours, so that it runs from its source as well.
 */

export interface ReadOrder {
  readonly path: string;
  /** Of a longer file nothing is read. */
  readonly atMost: number;
}

export interface ReadFailure {
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
}

/** Null: it is longer. */
export type ReadAnswer = Uint8Array | ReadFailure | null;

/** Opening a pipe without a writer would block the thread and all its callers. */
const WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

let buffer = new Uint8Array(0);

function read({ path, atMost }: ReadOrder): ReadAnswer {
  let file: number | undefined;
  try {
    file = openSync(path, WITHOUT_WAITING);
    if (buffer.length <= atMost) buffer = new Uint8Array(atMost + 1);
    // One byte more than there may be: a read that leaves it empty has met the end of the file.
    const into = buffer.subarray(0, atMost + 1);
    let bytes = 0;
    for (let more = -1; more !== 0 && bytes < into.length; bytes += more) {
      more = readSync(file, into, bytes, into.length - bytes, bytes);
    }
    return bytes > atMost ? null : into.slice(0, bytes);
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    return { message, code, syscall };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

parentPort?.on('message', (orders: readonly ReadOrder[]) => {
  parentPort?.postMessage(orders.map(read));
});
