import { OPERATION_STATUSES, TRANSITIONS } from '@ktrdr/operations';
import type { EventRow, OperationRecord } from './operation-record.js';

/** What every run must hold to, whatever happened to it. */
export const INVARIANTS = {
  'reference-result': 'every operation is completed, with the weights and the sample ledger of an uninterrupted run',
  'double-run': 'attempts of one operation never overlap',
  'stale-write': 'nothing is written for an attempt after it has lost its lease, or after the next one was claimed',
  'lost-checkpoint': 'no attempt begins before the newest checkpoint committed until then',
  'broken-history': 'versions rise by one, each transition begins where the last one ended, and is one of the table',
  'completed-changed': 'a completed operation never changes',
  'not-settled': 'no operation stays between two states',
  'event-gap': 'sequence numbers of events have no gap',
  'went-back': 'what was once committed is never taken back',
  'unrecorded-answer': 'a resume that was answered with success is in the history',
  'checkpoint-damaged': 'every byte of every checkpoint is there',
  'part-ended': 'no part ends by itself',
  'wrong-answer': 'a client is told what is so, or that it is not known now',
} as const;
export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly operationId: string | null;
  readonly detail: string;
}

/** What an uninterrupted run of the same spec came to. */
export interface Reference {
  readonly weightsSha256: string;
  readonly ledgerSha256: string;
  readonly steps: number;
}

export interface Expectation {
  readonly status: 'completed' | 'cancelled';
  readonly reference: Reference | null;
  /** Resumes that were answered with success. */
  readonly acceptedResumes: number;
}

const TRANSITIONAL = OPERATION_STATUSES.filter(
  (status) => !['paused', 'cancelled', 'completed', 'failed'].includes(status),
);
/** Written by the worker, under its lease. */
const WORKER_EVENTS: readonly string[] = ['started', 'checkpoint', 'progress', 'metrics', 'log', 'warning'];

/** Everything in one operation's record that must not be. */
export function violationsOf(record: OperationRecord, expectation: Expectation): readonly Violation[] {
  const found: readonly (readonly [Invariant, readonly string[]])[] = [
    ['reference-result', resultFaults(record, expectation)],
    ['double-run', overlaps(record)],
    ['stale-write', staleWrites(record)],
    ['lost-checkpoint', lostCheckpoints(record)],
    ['broken-history', historyFaults(record)],
    ['completed-changed', changesAfterCompletion(record)],
    ['not-settled', (TRANSITIONAL as readonly string[]).includes(record.status) ? [`it is ${record.status}`] : []],
    ['event-gap', eventGaps(record)],
    ['unrecorded-answer', unrecordedAnswers(record, expectation)],
    ['checkpoint-damaged', damageFound(record)],
  ];
  return found.flatMap(([invariant, details]) =>
    details.map((detail) => ({ invariant, operationId: record.id, detail })),
  );
}

function resultFaults({ status, result, error }: OperationRecord, expected: Expectation): string[] {
  if (status !== expected.status)
    return [`it is ${status}, not ${expected.status}${error ? ` (${error.code}: ${error.message})` : ''}`];
  const { reference } = expected;
  if (!reference) return [];
  return [
    ['weights_sha256', reference.weightsSha256] as const,
    ['ledger_sha256', reference.ledgerSha256] as const,
    ['steps', reference.steps] as const,
  ].flatMap(([field, value]) =>
    result?.[field] === value ? [] : [`${field} is ${String(result?.[field])}, the uninterrupted run's is ${value}`],
  );
}

function overlaps({ attempts, attempt: newest }: OperationRecord): string[] {
  const numbers = attempts.map(({ attempt }) => attempt);
  const isCounted = numbers.length === newest && numbers.every((attempt, index) => attempt === index + 1);
  return [
    ...(isCounted ? [] : [`attempts are ${numbers.join(', ')}, the operation counts ${newest}`]),
    ...attempts.flatMap(({ attempt, endedAt }, index) => {
      const next = attempts[index + 1];
      if (!next) return endedAt ? [] : [`attempt ${attempt} has not ended`];
      if (endedAt && endedAt <= next.claimedAt) return [];
      const ended = endedAt ? `ended at ${endedAt.toISOString()}` : 'has not ended';
      return [`attempt ${attempt} ${ended}, attempt ${next.attempt} was claimed at ${next.claimedAt.toISOString()}`];
    }),
  ];
}

function staleWrites({ events, checkpoints, attempts, points }: OperationRecord): string[] {
  const claimOf = new Map(events.filter(isClaim).map(({ attempt, seq }) => [attempt, seq]));
  const expiryOf = new Map(
    events.filter(({ event }) => event === 'lease-expired').map(({ attempt, seq }) => [attempt, seq]),
  );
  const told = new Set(
    events.filter(({ type }) => type === 'metrics').map(({ attempt, step }) => `${attempt} ${step}`),
  );
  return [
    ...events.flatMap(({ seq, type, attempt }) => {
      const next = claimOf.get(attempt + 1);
      if (next !== undefined && seq > next)
        return [`event ${seq} (${type}) of attempt ${attempt} is behind claim ${next}`];
      const expiry = expiryOf.get(attempt);
      const isLate = expiry !== undefined && seq > expiry && WORKER_EVENTS.includes(type);
      return isLate ? [`event ${seq} (${type}) of attempt ${attempt} is behind the end of its lease (${expiry})`] : [];
    }),
    ...checkpoints.flatMap(({ id, attempt, committedAt }) => {
      const next = attempts.find((candidate) => candidate.attempt === attempt + 1);
      return next && committedAt > next.claimedAt
        ? [`checkpoint ${id} of attempt ${attempt} was committed after attempt ${next.attempt} was claimed`]
        : [];
    }),
    ...points.flatMap(({ attempt, step }) =>
      told.has(`${attempt} ${step}`) ? [] : [`the figures of attempt ${attempt} at step ${step} came without an event`],
    ),
  ];
}

const isClaim = ({ type, event }: EventRow): boolean => type === 'status' && event === 'claim';

/** Nobody chooses an older checkpoint here, and none is damaged: every attempt continues from the newest one. */
function lostCheckpoints({ events }: OperationRecord): string[] {
  let committed = 0; // by all attempts before the present one
  let present = 0;
  const lost: string[] = [];
  for (const { type, attempt, step, event, seq } of events) {
    if (type === 'status' && event === 'claim') committed = Math.max(committed, present);
    if (type === 'checkpoint') present = Math.max(present, step ?? 0);
    if (type === 'started' && (step ?? 0) < committed)
      lost.push(
        `attempt ${attempt} began at step ${step} (event ${seq}), though step ${committed} was committed before`,
      );
  }
  return lost;
}

function historyFaults({ history, version, status }: OperationRecord): string[] {
  const faults = history.flatMap(({ n, event, from, to }, index) => {
    const before = history[index - 1];
    return [
      ...(n === index + 1 ? [] : [`entry ${index + 1} has the version ${n}`]),
      ...(from === (before?.to ?? null)
        ? []
        : [`version ${n} begins at ${from}, the one before ended at ${before?.to}`]),
      ...(TRANSITIONS.some((row) => row.event === event && row.from === from && row.to === to)
        ? []
        : [`version ${n} (${event}: ${from} to ${to}) is no transition of the table`]),
    ];
  });
  const last = history.at(-1);
  if (last?.n !== version || last.to !== status)
    faults.push(`the operation is ${status} at version ${version}, its history ends with ${last?.to} at ${last?.n}`);
  return faults;
}

function changesAfterCompletion({ history }: OperationRecord): string[] {
  const at = history.findIndex(({ to }) => to === 'completed');
  const later = at < 0 ? [] : history.slice(at + 1);
  return later.map(({ n, event, to }) => `version ${n} (${event}) made it ${to} after it was completed`);
}

function eventGaps({ events, eventSeq }: OperationRecord): string[] {
  const gaps = events.flatMap(({ seq }, index) =>
    seq === index + 1 ? [] : [`event ${index + 1} has the number ${seq}`],
  );
  if (gaps.length > 0) return gaps.slice(0, 1);
  return events.length === eventSeq ? [] : [`the operation counts ${eventSeq} events, there are ${events.length}`];
}

function unrecordedAnswers({ history }: OperationRecord, { acceptedResumes }: Expectation): string[] {
  const recorded = history.filter(({ event }) => event === 'resume' || event === 'withdraw-pause').length;
  return recorded >= acceptedResumes
    ? []
    : [`${acceptedResumes} resumes were accepted, ${recorded} are in the history`];
}

function damageFound({ events, checkpoints }: OperationRecord): string[] {
  return [
    ...checkpoints
      .filter(({ corruptedAt }) => corruptedAt !== null)
      .map(({ id }) => `checkpoint ${id} was found damaged`),
    ...events
      .filter(({ type, code }) => type === 'warning' && code === 'checkpoint-corrupted')
      .map(({ seq, attempt }) => `attempt ${attempt} could not restore its checkpoint (event ${seq})`),
  ];
}

/** Steps that were trained, told, and trained again: each time what lay behind the checkpoint that was left. */
export function lostSteps({ events }: OperationRecord): readonly number[] {
  let reached = 0;
  const lost: number[] = [];
  for (const { type, step } of events) {
    if (step === null) continue;
    if (type === 'started') {
      if (reached > step) lost.push(reached - step);
      reached = step;
    } else if (type === 'progress' || type === 'metrics') {
      reached = Math.max(reached, step);
    }
  }
  return lost;
}

/** Figures of the uninterrupted run's chart that this one's does not have, whichever attempt told them. */
export function missingFigures({ points }: OperationRecord, uninterrupted: OperationRecord): number {
  const told = new Set(points.map(({ step }) => step));
  return uninterrupted.points.filter(({ step }) => !told.has(step)).length;
}
