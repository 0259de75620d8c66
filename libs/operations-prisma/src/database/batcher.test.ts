import { setImmediate as turn } from 'node:timers/promises';
import { Batcher } from './batcher.js';

/** Work that ends when the test says so. */
function givenGathering(limits = { atOnce: 1, items: 3 }) {
  const batches: { readonly items: readonly string[]; readonly ends: PromiseWithResolvers<void> }[] = [];
  const batcher = new Batcher<string, string>(async (items) => {
    const ends = Promise.withResolvers<void>();
    batches.push({ items, ends });
    await ends.promise;
    return items.map((item) => item.toUpperCase());
  }, limits);
  return { batcher, batches, itemsOf: () => batches.map(({ items }) => items.join('')) };
}

describe('batcher', () => {
  it('does what comes alone at once', async () => {
    const { batcher, batches, itemsOf } = givenGathering();
    const a = batcher.add('a');
    await turn();
    expect(itemsOf()).toEqual(['a']);
    batches[0]?.ends.resolve();
    await expect(a).resolves.toBe('A');
  });

  it('does together what comes in one turn, and what comes meanwhile when that has ended', async () => {
    const { batcher, batches, itemsOf } = givenGathering();
    const first = [batcher.add('a'), batcher.add('b')];
    await turn();
    const later = ['c', 'd', 'e', 'f'].map((item) => batcher.add(item));
    await turn();
    expect(itemsOf()).toEqual(['ab']);
    batches[0]?.ends.resolve();
    await expect(Promise.all(first)).resolves.toEqual(['A', 'B']);
    await turn();
    expect(itemsOf()).toEqual(['ab', 'cde']); // three at most
    batches[1]?.ends.resolve();
    await turn();
    batches[2]?.ends.resolve();
    await expect(Promise.all(later)).resolves.toEqual(['C', 'D', 'E', 'F']);
  });

  it('does several batches beside each other, as many as it may', async () => {
    const { batcher, itemsOf } = givenGathering({ atOnce: 2, items: 2 });
    for (const item of ['a', 'b', 'c', 'd', 'e']) void batcher.add(item);
    await turn();
    expect(itemsOf()).toEqual(['ab', 'cd']);
  });

  it('fails all of a batch alike, and goes on with the next', async () => {
    const { batcher, batches } = givenGathering();
    const failing = Promise.allSettled([batcher.add('a'), batcher.add('b')]);
    await turn();
    const next = batcher.add('c');
    batches[0]?.ends.reject(new Error('no'));
    await expect(failing).resolves.toMatchObject([{ reason: { message: 'no' } }, { reason: { message: 'no' } }]);
    await turn();
    batches[1]?.ends.resolve();
    await expect(next).resolves.toBe('C');
  });

  it('does not wait for results that come later', async () => {
    const late = Promise.withResolvers<string>();
    const batcher = new Batcher<string, string>(
      (items) => Promise.resolve(items.map((item) => (item === 'slow' ? late.promise : item))),
      { atOnce: 1, items: 2 },
    );
    const slow = batcher.add('slow');
    await expect(batcher.add('a')).resolves.toBe('a');
    await expect(batcher.add('b')).resolves.toBe('b');
    late.resolve('at last');
    await expect(slow).resolves.toBe('at last');
  });
});
