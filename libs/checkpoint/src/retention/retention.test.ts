import { type Checkpoint, OPERATION_STATUSES, type Operation, type OperationStatus } from '@ktrdr/operations';
import { givenCheckpoint, givenOperation } from '@ktrdr/operations/testing';
import fc from 'fast-check';
import {
  beyondTotalBytes,
  type KeptCheckpoint,
  ownLimits,
  planRetention,
  type RetentionLimits,
  totalBytes,
} from './retention.js';

const at = (seq: number, change: Partial<Checkpoint> = {}): Checkpoint =>
  givenCheckpoint({ id: `c${seq}`, seq, step: seq * 10, createdAt: new Date(seq * 1000), ...change });
const damaged = (seq: number): Checkpoint => at(seq, { corruptedAt: new Date(0) });
const pinned = (checkpoint: Checkpoint): Checkpoint => ({ ...checkpoint, pinned: true });
const spec = (keepLast: number) => ({ checkpoint: { keep_last: keepLast } });
const failed = givenOperation({ status: 'failed' });
const ACTIVE: readonly OperationStatus[] = ['queued', 'running', 'pausing', 'resuming', 'cancelling'];

function removed(checkpoints: readonly Checkpoint[], limits: RetentionLimits, operation: Operation = failed): string[] {
  return planRetention({ operation, checkpoints }, limits).remove.map(({ checkpoint }) => checkpoint.id);
}

describe('the retention of an operation', () => {
  it('keeps what its overrides say, then its spec, then three', () => {
    expect(ownLimits({ spec: { ...spec(5), epochs: 9 }, overrides: spec(2) })).toEqual({ keepLast: 2 });
    expect(ownLimits({ spec: spec(5), overrides: { epochs: 9 } })).toEqual({ keepLast: 5 });
    expect(ownLimits({ spec: spec(5), overrides: null })).toEqual({ keepLast: 5 });
    expect(ownLimits({ spec: {}, overrides: null })).toEqual({ keepLast: 3 });
  });

  it('keeps the last few and says why', () => {
    const { keep, remove } = planRetention({ operation: failed, checkpoints: [at(1), at(2), at(3)] }, { keepLast: 2 });
    expect(keep.map(({ checkpoint, reason }) => [checkpoint.id, reason])).toEqual([
      ['c3', 'newest'],
      ['c2', 'within-limits'],
    ]);
    expect(remove.map(({ checkpoint, reason }) => [checkpoint.id, reason])).toEqual([['c1', 'beyond-keep-last']]);
  });

  it('removes nothing without a limit', () => {
    expect(removed([damaged(1), at(2), at(3)], {})).toEqual([]);
  });

  it('keeps the best, the pinned and the needed however old they are', () => {
    const checkpoints = [at(1, { isBest: true }), pinned(at(2)), at(3), at(4), at(5)];
    const operation = givenOperation({ status: 'failed', resumeCheckpointId: 'c3' });
    expect(removed(checkpoints, { keepLast: 1 }, operation)).toEqual(['c4']);
  });

  it('does not let damaged ones push out what still works', () => {
    const checkpoints = [at(1), at(2), damaged(3), damaged(4)];
    expect(removed(checkpoints, { keepLast: 2 })).toEqual([]);
    expect(removed(checkpoints, { keepLast: 1 })).toEqual(['c1']);
  });

  it('lets no damaged one go before there are enough that work', () => {
    expect(removed([damaged(1), at(2), damaged(3)], { keepLast: 2 })).toEqual([]);
    expect(removed([damaged(1), at(2), at(3)], { keepLast: 2 })).toEqual(['c1']);
  });

  it('counts a later attempt as newer, whatever its clock and its steps say', () => {
    const later = at(1, { id: 'later', attempt: 2, step: 50, createdAt: new Date(0) });
    expect(removed([at(6), at(7), at(8), later], { keepLast: 2 })).toEqual(['c7', 'c6']);
  });

  it('enforces each limit, whatever the other says, but never removes the last that works', () => {
    const checkpoints = [at(1), at(2), at(3), at(4)];
    expect(removed(checkpoints, { createdBefore: new Date(2500) })).toEqual(['c2', 'c1']);
    expect(removed(checkpoints, { keepLast: 3 })).toEqual(['c1']);
    expect(removed(checkpoints, { keepLast: 1, createdBefore: new Date(1500) })).toEqual(['c3', 'c2', 'c1']);
    const old = { keepLast: 5, createdBefore: new Date(9e9) };
    const { remove } = planRetention({ operation: failed, checkpoints: [at(1), at(2)] }, old);
    expect(remove.map(({ checkpoint, reason }) => [checkpoint.id, reason])).toEqual([['c1', 'too-old']]);
  });

  it.each(ACTIVE)('gives only what its own keep_last lets go while it is %s', (status) => {
    const operation = givenOperation({ status, spec: spec(2) });
    const checkpoints = [at(1), at(2), at(3)];
    expect(removed(checkpoints, { createdBefore: new Date(9e9) }, operation)).toEqual([]);
    expect(removed(checkpoints, { keepLast: 1 }, operation)).toEqual(['c1']);
  });

  it('keeps the files of a result, for as long as the operation is there', () => {
    const operation = givenOperation({ status: 'completed' });
    const checkpoints = [at(1), at(2, { kind: 'final' }), at(3, { attempt: 0 })];
    expect(removed(checkpoints, { keepLast: 1 }, operation)).toEqual(['c1']);
  });

  it.each(OPERATION_STATUSES.filter((status) => status !== 'completed'))(
    'keeps what it continues from while it is %s',
    (status) => {
      const operation = givenOperation({ status, resumeCheckpointId: 'c1', spec: spec(1) });
      expect(removed([at(1), at(2), at(3), at(4)], { keepLast: 1 }, operation)).toEqual(['c3', 'c2']);
    },
  );

  it('does not keep what a completed one once continued from', () => {
    const operation = givenOperation({ status: 'completed', resumeCheckpointId: 'c1' });
    const checkpoints = [at(1), at(2), at(3), at(4, { kind: 'final' })];
    expect(removed(checkpoints, { keepLast: 1 }, operation)).toEqual(['c3', 'c2', 'c1']);
    expect(removed(checkpoints, { keepLast: 3 }, operation)).toEqual(['c1']);
  });

  it('keeps both the newest and the farthest after a rewind', () => {
    const checkpoints = [at(1), at(9), at(2, { id: 'rewound', attempt: 2, seq: 1 })];
    expect(removed(checkpoints, { keepLast: 1 })).toEqual(['c1']);
  });

  it('lets what a rewind has superseded go first', () => {
    const left = at(9, { supersededAt: new Date(0) });
    const checkpoints = [at(1), left, at(2, { id: 'rewound', attempt: 2, seq: 1 })];
    expect(removed(checkpoints, { keepLast: 1 })).toEqual(['c9', 'c1']);
    expect(removed([at(1), pinned(left)], { keepLast: 1 })).toEqual([]);
  });

  it('calls a checkpoint pinned only where it would go without that', () => {
    const { keep } = planRetention({ operation: failed, checkpoints: [at(1), at(2)].map(pinned) }, { keepLast: 1 });
    expect(keep.map(({ reason }) => reason)).toEqual(['newest', 'pinned']);
  });

  it('keeps something for the limits alone only at rest', () => {
    const reasonOfOld = (status: OperationStatus, change: Partial<Checkpoint> = {}) =>
      planRetention({ operation: givenOperation({ status }), checkpoints: [at(2), at(1, change)] }, {}).keep[1]?.reason;
    expect(reasonOfOld('failed')).toBe('within-limits');
    expect(reasonOfOld('failed', { pinned: true })).toBe('pinned');
    for (const status of ACTIVE) expect(reasonOfOld(status)).toBe('in-use');
  });

  const draft = fc.record({
    attempt: fc.integer({ min: 1, max: 3 }),
    step: fc.nat(50),
    isBest: fc.boolean(),
    pinned: fc.boolean(),
    corruptedAt: fc.constantFrom(null, new Date(0)),
    kind: fc.constantFrom('periodic', 'final'),
    createdAt: fc.date({ min: new Date(0), max: new Date(1000), noInvalidDate: true }),
  });
  const limits = fc.record(
    {
      keepLast: fc.integer({ min: -1, max: 5 }),
      createdBefore: fc.date({ max: new Date(2000), noInvalidDate: true }),
    },
    { requiredKeys: [] },
  );
  const statuses = fc.constantFrom(...OPERATION_STATUSES);

  it('never gives the newest, the last that works, the best, a pinned or needed one, or a result, under any limits', () => {
    fc.assert(
      fc.property(
        fc.array(draft, { maxLength: 10 }),
        limits,
        statuses,
        fc.nat(10),
        (drafts, rules, status, resumed) => {
          const checkpoints = drafts.map((change, seq) => at(seq, change));
          const operation = givenOperation({ status, resumeCheckpointId: `c${resumed}` });
          const { keep, remove } = planRetention({ operation, checkpoints }, rules);
          const gone = new Set(remove.map(({ checkpoint }) => checkpoint));
          const all = [...keep, ...remove].map(({ checkpoint }) => checkpoint.id);
          expect(all.toSorted()).toEqual(checkpoints.map(({ id }) => id).toSorted());
          const isSound = ({ corruptedAt }: Checkpoint) => corruptedAt === null;
          const newest = checkpoints.toSorted((a, b) => b.attempt - a.attempt || b.seq - a.seq);
          const farthest = checkpoints.toSorted((a, b) => b.step - a.step || b.attempt - a.attempt || b.seq - a.seq);
          for (const order of [newest, farthest]) expect(gone).not.toContain(order.find(isSound));
          expect(gone).not.toContain(newest[0]);
          expect(gone).not.toContain(farthest.find(({ isBest }) => isBest));
          if (status === 'completed') expect(gone).not.toContain(farthest.find(({ kind }) => kind === 'final'));
          for (const checkpoint of checkpoints) {
            const isNeeded = checkpoint.id === `c${resumed}` && status !== 'completed';
            if (checkpoint.pinned || isNeeded) expect(gone).not.toContain(checkpoint);
          }
        },
      ),
    );
  });

  it('finds nothing more to remove in what it kept', () => {
    fc.assert(
      fc.property(fc.array(draft, { maxLength: 12 }), limits, statuses, (drafts, rules, status) => {
        const operation = givenOperation({ status });
        const all = drafts.map((change, seq) => at(seq, change));
        const kept = planRetention({ operation, checkpoints: all }, rules).keep.map(({ checkpoint }) => checkpoint);
        expect(removed(kept, rules, operation)).toEqual([]);
      }),
    );
  });
});

describe('a limit of bytes', () => {
  const sized = (n: number, blobs: Record<string, number>, isExpendable = true): KeptCheckpoint => ({
    checkpoint: givenCheckpoint({
      id: `c${n}`,
      createdAt: new Date(n),
      files: Object.entries(blobs).map(([blob, bytes]) => ({ name: blob, blob, bytes, sha256: blob })),
    }),
    reason: isExpendable ? 'within-limits' : 'pinned',
  });
  const beyond = (kept: readonly KeptCheckpoint[], maxBytes: number) =>
    beyondTotalBytes(kept, maxBytes).map(({ id }) => id);
  const total = (kept: readonly KeptCheckpoint[]) => totalBytes(kept.map(({ checkpoint }) => checkpoint));

  it('lets the oldest go until the rest fits', () => {
    const kept = [sized(3, { c: 10 }), sized(1, { a: 10 }), sized(2, { b: 10 })];
    expect(beyond(kept, 30)).toEqual([]);
    expect(beyond(kept, 29)).toEqual(['c1']);
    expect(beyond(kept, 10)).toEqual(['c1', 'c2']);
  });

  it('counts what several name once, and frees it with the last of them', () => {
    const kept = [sized(1, { model: 50, a: 1 }), sized(2, { model: 50, b: 1 }), sized(3, { c: 1 }, false)];
    expect(beyond(kept, 53)).toEqual([]);
    expect(beyond(kept, 52)).toEqual(['c1']);
    expect(beyond(kept, 51)).toEqual(['c1', 'c2']);
  });

  it('has a total in which each blob counts once', () => {
    expect(total([sized(1, { model: 50, a: 1 }), sized(2, { model: 50, b: 2 })])).toBe(53);
    expect(total([])).toBe(0);
  });

  it('stops where nothing expendable is left', () => {
    expect(beyond([sized(1, { a: 9 }, false), sized(2, { b: 9 })], 0)).toEqual(['c2']);
  });

  it('fits afterwards or has let everything expendable go, and never more than it had to', () => {
    const blobs = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constant(10), { maxKeys: 3 });
    const some = fc.array(fc.tuple(blobs, fc.boolean()), { maxLength: 8 });
    fc.assert(
      fc.property(some, fc.nat(50), (drafts, limit) => {
        const all = drafts.map(([named, isExpendable], n) => sized(n, named, isExpendable));
        const gone = beyond(all, limit);
        const without = (ids: readonly string[]) => all.filter(({ checkpoint }) => !ids.includes(checkpoint.id));
        const expendable = all
          .filter(({ reason }) => reason === 'within-limits')
          .map(({ checkpoint }) => checkpoint.id);
        expect(expendable).toEqual(expect.arrayContaining([...gone]));
        expect(total(without(gone)) <= limit || gone.length === expendable.length).toBe(true);
        if (gone.length > 0) expect(total(without(gone.slice(0, -1)))).toBeGreaterThan(limit);
      }),
    );
  });
});
