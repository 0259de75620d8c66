import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ReadAnswer, ReadFailure, ReadOrder } from './small-files.thread.js';

/** Copied from thread to thread, so larger ones are better read here. */
export const SMALL_FILE_BYTES = 64 * 1024;

interface Asked {
  readonly order: ReadOrder;
  readonly answer: PromiseWithResolvers<Uint8Array | null>;
}

/**
 * Reads small files in a thread of its own. All reads of one turn of the event loop take one message there and one back.
 * Through `fs`, each file takes three round trips to another thread, and each costs more than the read itself.
 */
export class SmallFiles {
  private thread: Worker | undefined;
  private asked: Asked[] = [];
  /** Batches that the thread has, in the order of its answers. */
  private readonly sent: (readonly Asked[])[] = [];

  /** Starts the thread ahead of the first read. It keeps no process alive, not even for its answers. */
  start(): void {
    this.thread ??= this.newThread();
  }

  /**
   * @param atMost at most `SMALL_FILE_BYTES`.
   * @returns null when it was not read here: it is longer than `atMost` bytes, or the thread has ended.
   * @throws what the system says.
   */
  read(path: string, atMost: number): Promise<Uint8Array | null> {
    const answer = Promise.withResolvers<Uint8Array | null>();
    this.asked.push({ order: { path, atMost }, answer });
    if (this.asked.length === 1) setImmediate(() => this.send());
    return answer.promise;
  }

  /** Ends the thread. The next read starts another. */
  async close(): Promise<void> {
    await this.thread?.terminate();
  }

  private send(): void {
    const batch = this.asked;
    this.asked = [];
    this.sent.push(batch);
    this.thread ??= this.newThread();
    this.thread.postMessage(batch.map(({ order }) => order));
  }

  private newThread(): Worker {
    const thread = new Worker(new URL(`./small-files.thread${extname(import.meta.url)}`, import.meta.url));
    thread.on('message', (answers: readonly ReadAnswer[]) => {
      const batch = this.sent.shift() ?? [];
      batch.forEach(({ answer }, index) => settle(answer, answers[index] ?? null));
    });
    thread.on('error', () => undefined); // it ends with that
    thread.on('exit', () => {
      if (this.thread === thread) this.thread = undefined;
      for (const { answer } of this.sent.splice(0).flat()) answer.resolve(null);
    });
    thread.unref(); // after the listeners, which undo it
    return thread;
  }
}

function settle(answer: PromiseWithResolvers<Uint8Array | null>, read: ReadAnswer): void {
  if (read === null || read instanceof Uint8Array) answer.resolve(read);
  else answer.reject(toError(read));
}

function toError({ message, code, syscall }: ReadFailure): Error {
  return Object.assign(new Error(message), { code, syscall });
}
