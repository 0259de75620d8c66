import { setImmediate as turn } from 'node:timers/promises';
import { Gathering } from './batcher.js';

/** Work that ends when the test says so. */
function givenGathering(limits = { atOnce: 1, items: 3 }) {
  const batches: { readonly items: readonly string[]; readonly ends: PromiseWithResolvers<void> }[] = [];
  const gathering = new Gathering<string, string>(async (items) => {
    const ends = Promise.withResolvers<void>();
    batches.push({ items, ends });
    await ends.promise;
    return items.map((item) => item.toUpperCase());
  }, limits);
  return { gathering, batches, itemsOf: () => batches.map(({ items }) => items.join('')) };
}

describe('gathering', () => {
  it('does what comes alone at once', async () => {
    const { gathering, batches, itemsOf } = givenGathering();
    const a = gathering.add('a');
    await turn();
    expect(itemsOf()).toEqual(['a']);
    batches[0]?.ends.resolve();
    await expect(a).resolves.toBe('A');
  });

  it('does together what comes in one turn, and what comes meanwhile when that has ended', async () => {
    const { gathering, batches, itemsOf } = givenGathering();
    const first = [gathering.add('a'), gathering.add('b')];
    await turn();
    const later = ['c', 'd', 'e', 'f'].map((item) => gathering.add(item));
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
    const { gathering, itemsOf } = givenGathering({ atOnce: 2, items: 2 });
    for (const item of ['a', 'b', 'c', 'd', 'e']) void gathering.add(item);
    await turn();
    expect(itemsOf()).toEqual(['ab', 'cd']);
  });

  it('fails all of a batch alike, and goes on with the next', async () => {
    const { gathering, batches } = givenGathering();
    const failing = Promise.allSettled([gathering.add('a'), gathering.add('b')]);
    await turn();
    const next = gathering.add('c');
    batches[0]?.ends.reject(new Error('no'));
    await expect(failing).resolves.toMatchObject([{ reason: { message: 'no' } }, { reason: { message: 'no' } }]);
    await turn();
    batches[1]?.ends.resolve();
    await expect(next).resolves.toBe('C');
  });

  it('does not wait for results that come later', async () => {
    const late = Promise.withResolvers<string>();
    const gathering = new Gathering<string, string>(
      (items) => Promise.resolve(items.map((item) => (item === 'slow' ? late.promise : item))),
      { atOnce: 1, items: 2 },
    );
    const slow = gathering.add('slow');
    await expect(gathering.add('a')).resolves.toBe('a');
    await expect(gathering.add('b')).resolves.toBe('b');
    late.resolve('at last');
    await expect(slow).resolves.toBe('at last');
  });
});
