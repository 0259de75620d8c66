import fc from 'fast-check';
import { beyondTotalBytes, type SizedCheckpoint, totalBytes } from './total-bytes.js';

const sized = (n: number, blobs: Record<string, number>, isExpendable = true): SizedCheckpoint => ({
  id: `c${n}`,
  createdAt: new Date(n),
  blobs: Object.entries(blobs).map(([blob, bytes]) => ({ blob, bytes })),
  isExpendable,
});

describe('beyondTotalBytes', () => {
  it('lets the oldest go until the rest fits', () => {
    const checkpoints = [sized(3, { c: 10 }), sized(1, { a: 10 }), sized(2, { b: 10 })];
    expect(beyondTotalBytes(checkpoints, 30)).toEqual([]);
    expect(beyondTotalBytes(checkpoints, 29)).toEqual(['c1']);
    expect(beyondTotalBytes(checkpoints, 10)).toEqual(['c1', 'c2']);
  });

  it('counts what several name once, and frees it with the last of them', () => {
    const checkpoints = [sized(1, { model: 50, a: 1 }), sized(2, { model: 50, b: 1 }), sized(3, { c: 1 }, false)];
    expect(beyondTotalBytes(checkpoints, 53)).toEqual([]);
    expect(beyondTotalBytes(checkpoints, 52)).toEqual(['c1']);
    expect(beyondTotalBytes(checkpoints, 51)).toEqual(['c1', 'c2']);
  });

  it('has a total in which each blob counts once', () => {
    expect(totalBytes([sized(1, { model: 50, a: 1 }), sized(2, { model: 50, b: 2 })])).toBe(53);
    expect(totalBytes([])).toBe(0);
  });

  it('stops where nothing expendable is left', () => {
    expect(beyondTotalBytes([sized(1, { a: 9 }, false), sized(2, { b: 9 })], 0)).toEqual(['c2']);
  });

  it('fits afterwards or has let everything expendable go, and never more than it had to', () => {
    const blobs = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constant(10), { maxKeys: 3 });
    const some = fc.array(fc.tuple(blobs, fc.boolean()), { maxLength: 8 });
    fc.assert(
      fc.property(some, fc.nat(50), (drafts, limit) => {
        const all = drafts.map(([named, isExpendable], n) => sized(n, named, isExpendable));
        const gone = beyondTotalBytes(all, limit);
        const without = (ids: readonly string[]) => all.filter(({ id }) => !ids.includes(id));
        const expendable = all.filter(({ isExpendable }) => isExpendable).map(({ id }) => id);
        expect(expendable).toEqual(expect.arrayContaining([...gone]));
        expect(totalBytes(without(gone)) <= limit || gone.length === expendable.length).toBe(true);
        if (gone.length > 0) expect(totalBytes(without(gone.slice(0, -1)))).toBeGreaterThan(limit);
      }),
    );
  });
});
