import { mapParallel } from './parallel.js';

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

  it('has nothing to do for no items', async () => {
    expect(await mapParallel([], 4, async () => 1)).toEqual([]);
  });
});
