import { type Expectation, type Invariant, lostSteps, missingFigures, violationsOf } from './invariants.js';
import type { EventRow, OperationRecord } from './operation-record.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 22, 10, 0, second));

const event = (seq: number, type: string, attempt: number, more: Partial<EventRow> = {}): EventRow => ({
  seq,
  type,
  attempt,
  at: at(seq),
  event: null,
  step: null,
  code: null,
  ...more,
});
const status = (seq: number, attempt: number, name: string): EventRow => event(seq, 'status', attempt, { event: name });

const checkpoint = (attempt: number, step: number, second: number) => ({
  id: `ck_${attempt}_${step}`,
  attempt,
  step,
  kind: 'periodic',
  committedAt: at(second),
  manifestKey: `checkpoints/op/${attempt}-1-ck/manifest.json`,
  manifestSha256: 'm',
  files: [],
  corruptedAt: null,
});

const moves = [
  ['submit', null, 'queued', 0, 1],
  ['claim', 'queued', 'running', 1, 2],
  ['lease-expired', 'running', 'resuming', 1, 6],
  ['claim', 'resuming', 'running', 2, 7],
  ['complete', 'running', 'completed', 2, 10],
] as const;

/** Two attempts, the first of which was lost at step 14 with a checkpoint of step 10. */
const SOUND: OperationRecord = {
  id: 'op',
  name: 'sound',
  status: 'completed',
  version: 5,
  attempt: 2,
  eventSeq: 10,
  recoveries: 1,
  error: null,
  result: { weights_sha256: 'w', ledger_sha256: 'l', steps: 20 },
  attempts: [
    { attempt: 1, workerId: 'w1', claimedAt: at(2), endedAt: at(6), outcome: 'lease-expired', startStep: 0 },
    { attempt: 2, workerId: 'w2', claimedAt: at(7), endedAt: at(10), outcome: 'complete', startStep: 10 },
  ],
  history: moves.map(([name, from, to, attempt, second], index) => ({
    n: index + 1,
    event: name,
    from,
    to,
    actor: 'test',
    reason: null,
    attempt,
    at: at(second),
  })),
  events: [
    status(1, 0, 'submit'),
    status(2, 1, 'claim'),
    event(3, 'started', 1, { step: 0 }),
    event(4, 'checkpoint', 1, { step: 10 }),
    event(5, 'progress', 1, { step: 14 }),
    status(6, 1, 'lease-expired'),
    status(7, 2, 'claim'),
    event(8, 'started', 2, { step: 10 }),
    event(9, 'metrics', 2, { step: 20 }),
    status(10, 2, 'complete'),
  ],
  checkpoints: [checkpoint(1, 10, 4)],
  points: [{ attempt: 2, step: 20 }],
};
const EXPECTED: Expectation = {
  status: 'completed',
  reference: { weightsSha256: 'w', ledgerSha256: 'l', steps: 20 },
  acceptedResumes: 0,
};

const invariantsBroken = (record: Partial<OperationRecord>, expected: Partial<Expectation> = {}): Invariant[] => [
  ...new Set(violationsOf({ ...SOUND, ...record }, { ...EXPECTED, ...expected }).map(({ invariant }) => invariant)),
];
const withEvents = (change: (events: readonly EventRow[]) => readonly EventRow[]) => {
  const events = change(SOUND.events).map((row, index) => ({ ...row, seq: index + 1 }));
  return { events, eventSeq: events.length };
};
const [first, second] = SOUND.attempts as [OperationRecord['attempts'][0], OperationRecord['attempts'][0]];

describe('the record of an operation that was disturbed', () => {
  it('breaks nothing when all is well, and tells what was lost', () => {
    expect(invariantsBroken({})).toEqual([]);
    expect(lostSteps(SOUND)).toEqual([4]);
  });

  it.each<[string, Invariant, Partial<OperationRecord>]>([
    ['other weights', 'reference-result', { result: { ...SOUND.result, weights_sha256: 'x' } }],
    ['another ledger', 'reference-result', { result: { ...SOUND.result, ledger_sha256: 'x' } }],
    ['an attempt that ends after the next claim', 'double-run', { attempts: [{ ...first, endedAt: at(8) }, second] }],
    ['an attempt that never ended', 'double-run', { attempts: [first, { ...second, endedAt: null }] }],
    ['an attempt that is not counted', 'double-run', { attempt: 3 }],
    [
      'progress behind the next claim',
      'stale-write',
      withEvents((events) => [...events.slice(0, 8), event(0, 'progress', 1, { step: 15 }), ...events.slice(8)]),
    ],
    [
      'progress behind the end of its lease',
      'stale-write',
      withEvents((events) => [...events.slice(0, 6), event(0, 'progress', 1, { step: 15 }), ...events.slice(6)]),
    ],
    ['a checkpoint committed after the next claim', 'stale-write', { checkpoints: [checkpoint(1, 12, 8)] }],
    ['figures of an attempt without their event', 'stale-write', { points: [{ attempt: 1, step: 20 }] }],
    [
      'an attempt that begins before the newest checkpoint',
      'lost-checkpoint',
      withEvents((events) => events.map((row) => (row.seq === 8 ? { ...row, step: 5 } : row))),
    ],
    ['a version that is missing', 'broken-history', { history: SOUND.history.filter(({ n }) => n !== 3) }],
    [
      'a transition that begins elsewhere',
      'broken-history',
      { history: SOUND.history.map((row) => (row.n === 4 ? { ...row, from: 'queued' } : row)) },
    ],
    [
      'a transition that the table does not have',
      'broken-history',
      { history: SOUND.history.map((row) => (row.n === 5 ? { ...row, event: 'fail' } : row)) },
    ],
    [
      'a transition after the completion',
      'completed-changed',
      {
        version: 6,
        status: 'resuming',
        history: [
          ...SOUND.history,
          {
            n: 6,
            event: 'resume',
            from: 'completed',
            to: 'resuming',
            actor: 'x',
            reason: null,
            attempt: 2,
            at: at(11),
          },
        ],
      },
    ],
    ['a status in between', 'not-settled', { status: 'pausing' }],
    ['an event that is missing', 'event-gap', { events: SOUND.events.filter(({ seq }) => seq !== 5) }],
    ['an event that is not counted', 'event-gap', { eventSeq: 11 }],
    [
      'a checkpoint that was found damaged',
      'checkpoint-damaged',
      { checkpoints: [{ ...checkpoint(1, 10, 4), corruptedAt: at(7) }] },
    ],
  ])('with %s breaks %s', (_name, invariant, record) => {
    expect(invariantsBroken(record)).toContain(invariant);
  });

  it('tells which figures of the uninterrupted chart it does not have', () => {
    const points = [10, 20].map((step) => ({ attempt: 1, step }));
    expect(missingFigures(SOUND, { ...SOUND, points })).toBe(1);
    expect(missingFigures({ ...SOUND, points }, SOUND)).toBe(0);
  });

  it('misses a resume that somebody was told of', () => {
    expect(invariantsBroken({}, { acceptedResumes: 1 })).toEqual(['unrecorded-answer']);
  });
});
