/**
 * Runs `work` on every item, at most `limit` at a time, and returns the results in the order of the items.
 * After a failure no further item is started, and it settles only when everything started has settled.
 * @param items may be such that come one after the other; a failure is then told when the next one has come.
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
 * Buffers that nobody works with any more, for as long as the collector leaves them. It is in no hurry, so whoever took
 * new ones for each save and each restore would have those of the last two or three resident as well.
 */
let idle: WeakRef<Uint8Array>[] = [];

/**
 * Like `mapParallel`, a few items at a time, with a buffer of `bytes` bytes for each that is being worked on, used again
 * for the next: what is in flight is all the memory that it takes, which is `IN_FLIGHT_BYTES` or one buffer.
 */
export async function mapWithBuffers<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  bytes: number,
  work: (item: Item, buffer: Uint8Array) => Promise<Result>,
): Promise<Result[]> {
  const limit = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(IN_FLIGHT_BYTES / Math.max(1, bytes))));
  return mapParallel(items, limit, async (item) => {
    const buffer = takeBuffer(bytes);
    const result = await work(item, buffer.subarray(0, bytes));
    // After a failure something may still be reading from it, such as a socket.
    idle.push(new WeakRef(buffer));
    return result;
  });
}

function takeBuffer(bytes: number): Uint8Array {
  let found: Uint8Array | undefined;
  idle = idle.filter((reference) => {
    const buffer = reference.deref();
    if (!found && buffer && buffer.length >= bytes) found = buffer;
    return buffer && buffer !== found;
  });
  return found ?? Buffer.allocUnsafeSlow(bytes);
}
