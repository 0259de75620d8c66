/**
 * Runs `work` on every item, at most `limit` at a time, and returns the results in the order of the items.
 * After a failure no further item is started, and it settles only when everything started has settled.
 */
export async function mapParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const queue = items.entries();
  let failed = false;
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
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
 * Like `mapParallel`, a few items at a time, with a buffer of `bytes` bytes for each that is being worked on, used again
 * for the next: what is in flight is all the memory that it takes, which is `IN_FLIGHT_BYTES` or one buffer.
 */
export async function mapWithBuffers<Item, Result>(
  items: readonly Item[],
  bytes: number,
  work: (item: Item, buffer: Uint8Array) => Promise<Result>,
): Promise<Result[]> {
  const limit = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(IN_FLIGHT_BYTES / Math.max(1, bytes))));
  const idle: Uint8Array[] = [];
  return mapParallel(items, limit, async (item) => {
    const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(bytes);
    try {
      return await work(item, buffer);
    } finally {
      idle.push(buffer);
    }
  });
}
