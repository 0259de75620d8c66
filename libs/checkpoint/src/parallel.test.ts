import { mapParallel, mapWithBuffers } from './parallel.js';

describe('mapParallel', () => {
  it('keeps the order of the items and the limit', async () => {
    let running = 0;
    let most = 0;
    const doubled = await mapParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return item * 2;
    });
    expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
    expect(most).toBe(3);
  });

  it('starts nothing after a failure and settles when all that was started has', async () => {
    const started: number[] = [];
    const finished: number[] = [];
    const act = mapParallel([1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      if (item === 1) throw new Error('first');
      await new Promise(setImmediate);
      finished.push(item);
    });
    await expect(act).rejects.toThrow('first');
    expect(started).toEqual([1, 2]);
    expect(finished).toEqual([2]);
  });

  it('takes items as they come, and no more of them after a failure', async () => {
    let given = 0;
    async function* coming() {
      for (;;) {
        await new Promise(setImmediate);
        yield (given += 1);
      }
    }
    const act = mapParallel(coming(), 2, async (item) => {
      if (item === 5) throw new Error('fifth');
    });
    await expect(act).rejects.toThrow('fifth');
    expect(given).toBeLessThanOrEqual(6);
  });

  it('has nothing to do for no items', async () => {
    expect(await mapParallel([], 4, async () => 1)).toEqual([]);
  });
});

describe('mapWithBuffers', () => {
  const MIB = 1024 * 1024;
  const buffersOf = (items: number, bytes: number) =>
    mapWithBuffers(Array.from({ length: items }), bytes, async (_, buffer) => {
      await new Promise(setImmediate);
      expect(buffer).toHaveLength(bytes);
      return buffer.buffer;
    });

  it('works with four buffers, or with fewer that are large', async () => {
    expect(new Set(await buffersOf(20, MIB)).size).toBe(4);
    expect(new Set(await buffersOf(20, 12 * MIB)).size).toBe(2);
    expect(new Set(await buffersOf(20, 40 * MIB)).size).toBe(1);
  });

  it('uses the buffers of earlier calls again, but never one for two items', async () => {
    const [first, ...others] = [await buffersOf(8, 3 * MIB), await buffersOf(8, 2 * MIB), await buffersOf(8, 3 * MIB)];
    for (const later of others) expect(new Set([...first!, ...later]).size).toBe(4);
    const [one, other] = await Promise.all([buffersOf(4, MIB), buffersOf(4, MIB)]);
    expect(new Set([...one, ...other]).size).toBe(8);
  });

  it('leaves a buffer alone after a failure', async () => {
    const failed: unknown[] = [];
    const act = mapWithBuffers([1], 50 * MIB, async (_, { buffer }) => {
      failed.push(buffer);
      throw new Error('lost');
    });
    await expect(act).rejects.toThrow('lost');
    expect(failed).not.toContain((await buffersOf(1, 50 * MIB))[0]);
  });
});
