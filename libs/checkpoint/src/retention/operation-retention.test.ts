import { OPERATION_STATUSES, type Checkpoint, type OperationStatus } from '@ktrdr/operations';
import { givenCheckpoint, givenOperation } from '@ktrdr/operations/testing';
import fc from 'fast-check';
import { mainReason, ownKeepLast, planOperationRetention, type RetentionLimits } from './operation-retention.js';

const at = (seq: number, change: Partial<Checkpoint> = {}): Checkpoint =>
  givenCheckpoint({ id: `c${seq}`, seq, step: seq * 10, createdAt: new Date(seq * 1000), ...change });
const spec = (keepLast: number) => ({ checkpoint: { keep_last: keepLast } });
const pinned = (checkpoint: Checkpoint): Checkpoint => ({ ...checkpoint, pinned: true });
const ACTIVE: readonly OperationStatus[] = ['queued', 'running', 'pausing', 'resuming', 'cancelling'];

function removed(facts: Partial<Parameters<typeof planOperationRetention>[0]>, limits: RetentionLimits): string[] {
  const { operation = givenOperation({ status: 'failed' }), checkpoints = [] } = facts;
  const { remove } = planOperationRetention({ operation, checkpoints }, limits);
  return remove.map(({ checkpoint }) => checkpoint.id);
}

describe('the retention of an operation', () => {
  it('keeps what its overrides say, then its spec, then three', () => {
    expect(ownKeepLast({ spec: spec(5), overrides: spec(2) })).toBe(2);
    expect(ownKeepLast({ spec: spec(5), overrides: null })).toBe(5);
    expect(ownKeepLast({ spec: {}, overrides: null })).toBe(3);
  });

  it('removes nothing without a limit', () => {
    expect(removed({ checkpoints: [at(1, { corruptedAt: new Date(0) }), at(2), at(3)] }, {})).toEqual([]);
  });

  it('enforces each limit, whatever the other says', () => {
    const checkpoints = [at(1), at(2), at(3), at(4)];
    expect(removed({ checkpoints }, { createdBefore: new Date(2500) })).toEqual(['c2', 'c1']);
    expect(removed({ checkpoints }, { keepLast: 3 })).toEqual(['c1']);
    expect(removed({ checkpoints }, { keepLast: 1, createdBefore: new Date(1500) })).toEqual(['c3', 'c2', 'c1']);
  });

  it.each(ACTIVE)('gives only what its own keep_last lets go while it is %s', (status) => {
    const operation = givenOperation({ status, spec: spec(2) });
    const checkpoints = [at(1), at(2), at(3)];
    expect(removed({ operation, checkpoints }, { createdBefore: new Date(9e9) })).toEqual([]);
    expect(removed({ operation, checkpoints }, { keepLast: 1 })).toEqual(['c1']);
  });

  it('keeps the files of a result, for as long as the operation is there', () => {
    const checkpoints = [at(1), at(2, { kind: 'final' }), at(3, { attempt: 0 })];
    expect(removed({ operation: givenOperation({ status: 'completed' }), checkpoints }, { keepLast: 1 })).toEqual([
      'c1',
    ]);
  });

  it.each(OPERATION_STATUSES.filter((status) => status !== 'completed'))(
    'keeps what it continues from while it is %s',
    (status) => {
      const operation = givenOperation({ status, resumeCheckpointId: 'c1', spec: spec(1) });
      const checkpoints = [at(1), at(2), at(3), at(4)];
      expect(removed({ operation, checkpoints }, { keepLast: 1 })).toEqual(['c3', 'c2']);
    },
  );

  it('does not keep what a completed one once continued from', () => {
    const operation = givenOperation({ status: 'completed', resumeCheckpointId: 'c1' });
    const checkpoints = [at(1), at(2), at(3), at(4, { kind: 'final' })];
    expect(removed({ operation, checkpoints }, { keepLast: 1 })).toEqual(['c3', 'c2', 'c1']);
    expect(removed({ operation, checkpoints }, { keepLast: 3 })).toEqual(['c1']);
  });

  it('keeps both the newest and the farthest after a rewind', () => {
    const checkpoints = [at(1), at(9), at(2, { id: 'rewound', attempt: 2, seq: 1 })];
    expect(removed({ checkpoints }, { keepLast: 1 })).toEqual(['c1']);
  });

  it('lets what a rewind has left behind go first', () => {
    const left = at(9, { supersededAt: new Date(0) });
    const checkpoints = [at(1), left, at(2, { id: 'rewound', attempt: 2, seq: 1 })];
    expect(removed({ checkpoints }, { keepLast: 1 })).toEqual(['c9', 'c1']);
    expect(removed({ checkpoints: [at(1), pinned(left)] }, { keepLast: 1 })).toEqual([]);
  });

  it('calls a checkpoint pinned only where it would go without that', () => {
    const operation = givenOperation({ status: 'failed' });
    const { keep } = planOperationRetention({ operation, checkpoints: [at(1), at(2)].map(pinned) }, { keepLast: 1 });
    expect(keep.map(({ reasons }) => mainReason(operation, reasons))).toEqual(['newest', 'pinned']);
  });

  it('calls expendable only what nothing else speaks for, and only at rest', () => {
    expect(mainReason(givenOperation({ status: 'failed' }), ['within-limits'])).toBe('within-limits');
    expect(mainReason(givenOperation({ status: 'failed' }), ['pinned', 'within-limits'])).toBe('pinned');
    for (const status of ACTIVE) expect(mainReason(givenOperation({ status }), ['within-limits'])).toBe('in-use');
  });

  it('never gives the last that works, the best, a pinned or needed one, or a result, under any limits', () => {
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
        keepLast: fc.integer({ min: 1, max: 4 }),
        createdBefore: fc.date({ max: new Date(2000), noInvalidDate: true }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.array(draft, { maxLength: 10 }),
        limits,
        fc.constantFrom(...OPERATION_STATUSES),
        fc.nat(10),
        (drafts, rules, status, resumed) => {
          const checkpoints = drafts.map((change, seq) => at(seq, change));
          const operation = givenOperation({ status, resumeCheckpointId: `c${resumed}` });
          const { keep, remove } = planOperationRetention({ operation, checkpoints }, rules);
          const gone = new Set(remove.map(({ checkpoint }) => checkpoint.id));
          expect(keep.length + remove.length).toBe(checkpoints.length);
          const sound = checkpoints.filter(({ corruptedAt }) => corruptedAt === null);
          expect(sound.length === 0 || sound.some(({ id }) => !gone.has(id))).toBe(true);
          for (const { id, pinned } of checkpoints) {
            if (pinned || (id === `c${resumed}` && status !== 'completed')) expect(gone).not.toContain(id);
          }
          const byStep = checkpoints.toSorted((a, b) => b.step - a.step || b.attempt - a.attempt || b.seq - a.seq);
          expect(gone).not.toContain(byStep.find(({ isBest }) => isBest)?.id);
          if (status === 'completed') expect(gone).not.toContain(byStep.find(({ kind }) => kind === 'final')?.id);
        },
      ),
    );
  });
});
