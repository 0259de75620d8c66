import fc from 'fast-check';
import { planRetention, type RetainableCheckpoint } from './retention.js';

const given = (seq: number, change: Partial<RetainableCheckpoint> = {}): RetainableCheckpoint => ({
  id: `c${seq}`,
  attempt: 1,
  seq,
  step: seq * 100,
  kind: 'periodic',
  isBest: false,
  pinned: false,
  valid: true,
  createdAt: new Date(seq * 1_000),
  ...change,
});
const removedBy = (...parameters: Parameters<typeof planRetention>) =>
  planRetention(...parameters).remove.map(({ id }) => id);

describe('planRetention', () => {
  it('keeps the last few and says why', () => {
    expect(planRetention([given(1), given(2), given(3)], { keepLast: 2 })).toEqual({
      keep: [
        { id: 'c3', reasons: ['newest', 'newest-valid', 'within-limits'] },
        { id: 'c2', reasons: ['within-limits'] },
      ],
      remove: [{ id: 'c1', reason: 'beyond-keep-last' }],
    });
  });

  it('keeps the best, the pinned and the needed however old they are', () => {
    const checkpoints = [given(1, { isBest: true }), given(2, { pinned: true }), given(3), given(4), given(5)];
    expect(removedBy(checkpoints, { keepLast: 1 }, new Set(['c3']))).toEqual(['c4']);
  });

  it('does not let damaged ones push out what still works', () => {
    const checkpoints = [given(1), given(2), given(3, { valid: false }), given(4, { valid: false })];
    expect(removedBy(checkpoints, { keepLast: 2 })).toEqual([]);
    expect(removedBy(checkpoints, { keepLast: 1 })).toEqual(['c1']);
  });

  it('lets no damaged one go before there are enough that work', () => {
    const checkpoints = [given(1, { valid: false }), given(2), given(3, { valid: false })];
    expect(removedBy(checkpoints, { keepLast: 2 })).toEqual([]);
    expect(removedBy(checkpoints, { keepLast: Infinity })).toEqual([]);
  });

  it('keeps the files of a result', () => {
    expect(removedBy([given(1, { isResult: true }), given(2), given(3)], { keepLast: 1 })).toEqual(['c2']);
  });

  it('lets damaged ones go once enough newer ones work', () => {
    expect(removedBy([given(1, { valid: false }), given(2), given(3)], { keepLast: 2 })).toEqual(['c1']);
  });

  it('counts a later attempt as newer, whatever its clock and its steps say', () => {
    const later = given(1, { id: 'later', attempt: 2, step: 50, createdAt: new Date(0) });
    expect(removedBy([given(8), later], { keepLast: 1 })).toEqual(['c8']);
  });

  it('lets old ones go, but never the last that works', () => {
    const policy = { keepLast: 5, createdBefore: new Date(10_000) };
    expect(planRetention([given(1), given(2)], policy).remove).toEqual([{ id: 'c1', reason: 'too-old' }]);
  });

  it('never removes the newest, the newest valid, the best, the pinned or the needed', () => {
    const checkpoint = fc.record({
      attempt: fc.integer({ min: 1, max: 3 }),
      isBest: fc.boolean(),
      pinned: fc.boolean(),
      valid: fc.boolean(),
      createdAt: fc.date({ noInvalidDate: true }),
    });
    const policy = fc.record({
      keepLast: fc.integer({ min: -1, max: 5 }),
      createdBefore: fc.date({ noInvalidDate: true }),
    });
    fc.assert(
      fc.property(fc.array(checkpoint, { maxLength: 12 }), policy, fc.nat(12), (drafts, rules, neededSeq) => {
        const all = drafts.map((draft, seq) => given(seq, draft));
        const { keep, remove } = planRetention(all, rules, new Set([`c${neededSeq}`]));
        const kept = new Set(keep.map(({ id }) => id));
        expect([...kept, ...remove.map(({ id }) => id)].sort()).toEqual(all.map(({ id }) => id).sort());
        expect(keep.every(({ reasons }) => reasons.length > 0)).toBe(true);
        const order = all.toSorted((a, b) => b.attempt - a.attempt || b.seq - a.seq);
        const protectedOnes = all.filter(({ id, isBest, pinned }) => isBest || pinned || id === `c${neededSeq}`);
        for (const one of [...order.slice(0, 1), ...order.filter(({ valid }) => valid).slice(0, 1), ...protectedOnes]) {
          expect(kept).toContain(one.id);
        }
      }),
    );
  });

  it('finds nothing more to remove in what it kept', () => {
    const flags = fc.record({ isBest: fc.boolean(), pinned: fc.boolean(), valid: fc.boolean() });
    fc.assert(
      fc.property(fc.array(flags, { maxLength: 12 }), fc.integer({ min: 0, max: 5 }), (drafts, keepLast) => {
        const all = drafts.map((draft, seq) => given(seq, draft));
        const kept = new Set(planRetention(all, { keepLast }).keep.map(({ id }) => id));
        expect(
          removedBy(
            all.filter(({ id }) => kept.has(id)),
            { keepLast },
          ),
        ).toEqual([]);
      }),
    );
  });
});
