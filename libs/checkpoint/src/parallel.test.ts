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

  it('begins the next when a buffer is released, but leaves no more than sixteen unfinished', async () => {
    const ends: PromiseWithResolvers<void>[] = [];
    const buffers = new Set<unknown>();
    const working = mapWithBuffers(Array.from({ length: 20 }), MIB, async (_, buffer, release) => {
      buffers.add(buffer.buffer);
      release();
      const end = Promise.withResolvers<void>();
      ends.push(end);
      await end.promise;
      return ends.length;
    });
    const settle = async () => {
      for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
    };
    await settle();
    expect(ends).toHaveLength(16);
    expect(buffers.size).toBeLessThanOrEqual(4);
    ends[0]?.resolve();
    await settle();
    expect(ends).toHaveLength(17);
    for (let index = 1; index < 20; index += 1) {
      ends[index]?.resolve();
      await settle();
    }
    expect(await working).toHaveLength(20);
  });

  it('after a failure of what had released its buffer begins nothing, and settles when the rest has', async () => {
    const ends: PromiseWithResolvers<void>[] = [];
    let begun = 0;
    let finished = 0;
    const working = mapWithBuffers(Array.from({ length: 9 }), MIB, async (_, _buffer, release) => {
      begun += 1;
      const end = Promise.withResolvers<void>();
      ends.push(end);
      if (begun <= 2) release();
      await end.promise;
      finished += 1;
    });
    for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
    expect(begun).toBe(6); // two have given their buffers to others, four hold one
    working.catch(() => undefined); // looked at below
    ends[0]?.reject(new Error('late'));
    ends[2]?.resolve();
    for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
    expect({ begun, finished }).toEqual({ begun: 6, finished: 1 });
    for (const end of ends) end.resolve();
    await expect(working).rejects.toThrow('late');
    expect({ begun, finished }).toEqual({ begun: 6, finished: 5 });
  });
});
