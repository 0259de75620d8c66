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

/**
 * Like `mapParallel`, with one buffer of `bytes` bytes for each item that is being worked on, used again for the next:
 * what is in flight is all the memory that it takes.
 */
export async function mapWithBuffers<Item, Result>(
  items: readonly Item[],
  { limit, bytes }: { readonly limit: number; readonly bytes: number },
  work: (item: Item, buffer: Uint8Array) => Promise<Result>,
): Promise<Result[]> {
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
