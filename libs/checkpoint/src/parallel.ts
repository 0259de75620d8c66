/**
 * Runs `work` on every item, at most `limit` at a time, and returns the results in the order of the items.
 * After a failure no further item is started, and it settles only when everything started has settled.
 * @param items when they arrive one by one, a failure is reported once the next one has arrived.
 */
export async function mapParallel<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let taken = 0;
  let failed = false;
  const lanes = Array.from({ length: limit }, async () => {
    try {
      while (!failed) {
        const next = await queue.next();
        if (next.done || failed) return;
        const index = taken;
        taken += 1;
        results[index] = await work(next.value);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  });
  const rejected = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected');
  if (rejected) throw rejected.reason;
  return results;
}

/** Of all items together. */
const IN_FLIGHT_BYTES = 32 * 1024 * 1024;
const MOST_AT_ONCE = 4;

/**
 * Released buffers, until the collector takes them. It is in no hurry: with new buffers for each save and restore, those
 * of the last two or three would stay resident as well.
 */
let idle: WeakRef<Uint8Array>[] = [];

/** With or without a buffer: what waits for disk or network holds a file handle or a socket. */
const UNFINISHED_AT_MOST = 16;

/**
 * Like `mapParallel`, a few items at a time, with a buffer of `bytes` bytes for each that is being worked on, used again
 * for the next: what is in flight is all the memory that it takes, which is `IN_FLIGHT_BYTES` or one buffer.
 * @param work may release its buffer before it has ended; the next item is then begun.
 */
export async function mapWithBuffers<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  bytes: number,
  work: (item: Item, buffer: Uint8Array, release: () => void) => Promise<Result>,
): Promise<Result[]> {
  const limit = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(IN_FLIGHT_BYTES / Math.max(1, bytes))));
  const unfinished = new Set<Promise<Result>>();
  let failure: { readonly reason: unknown } | undefined;
  try {
    const begun = await mapParallel(items, limit, async (item) => {
      while (unfinished.size >= UNFINISHED_AT_MOST) await Promise.race(unfinished);
      if (failure) throw failure.reason;
      const buffer = new LentBuffer(bytes);
      const result = work(item, buffer.bytes, () => buffer.release());
      unfinished.add(result);
      result.then(
        () => unfinished.delete(result),
        (reason: unknown) => (failure ??= { reason }),
      );
      // After a failure something may still be reading from it, such as a socket.
      await Promise.race([buffer.released, result.then(() => buffer.release())]);
      return { result };
    });
    return await Promise.all(begun.map(({ result }) => result));
  } finally {
    await Promise.allSettled(unfinished);
  }
}

/** A buffer that is given to the next as soon as it is released. */
class LentBuffer {
  readonly bytes: Uint8Array;
  readonly released: Promise<void>;
  readonly release: () => void;

  constructor(bytes: number) {
    const whole = takeBuffer(bytes);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.bytes = whole.subarray(0, bytes);
    this.released = promise;
    let isReleased = false;
    this.release = () => {
      if (!isReleased) idle.push(new WeakRef(whole));
      isReleased = true;
      resolve();
    };
  }
}

/** The one that was used last, which is the likeliest to be in the processor's caches. */
function takeBuffer(bytes: number): Uint8Array {
  idle = idle.filter((reference) => reference.deref());
  const at = idle.findLastIndex((reference) => (reference.deref()?.length ?? 0) >= bytes);
  const [reference] = at < 0 ? [] : idle.splice(at, 1);
  return reference?.deref() ?? Buffer.allocUnsafeSlow(bytes);
}
