import { isLeased, type OperationEvent, type OperationStatus, TRANSITIONS } from '@ktrdr/operations';
import type { OperationRecord } from './record.js';

export interface ModelCheckpoint {
  readonly id: string;
  readonly attempt: number;
  readonly seq: number;
  readonly step: number;
  readonly isBest: boolean;
  /** Its bytes were spoilt. */
  readonly isDamaged: boolean;
  /** Somebody has found that out. */
  readonly isMarked: boolean;
  /** The operation went on from before it. */
  readonly isSuperseded: boolean;
}

interface ModelAttempt {
  readonly workerId: string;
  readonly claimId: string;
  readonly outcome: OperationEvent | null;
  readonly startStep: number | null;
  readonly startedFrom: string | null;
}

/** As much of an operation as decides what may happen to it next. */
export interface ModelOperation {
  readonly id: string;
  readonly priority: number;
  /** Its place among those of its priority: the older first. */
  readonly place: number;
  readonly status: OperationStatus;
  readonly version: number;
  readonly workerId: string | null;
  readonly hasLeaseExpired: boolean;
  readonly recoveries: number;
  readonly maxRecoveries: number;
  /** Steps trained; null before the first attempt has said where it starts. */
  readonly trained: number | null;
  readonly resumeFrom: string | null;
  readonly isPinned: boolean;
  readonly checkpoints: readonly ModelCheckpoint[];
  readonly attempts: readonly ModelAttempt[];
  /** Warnings told before; telling one again changes nothing. */
  readonly told: readonly string[];
}

/** What is missing, was deleted. */
export type World = ReadonlyMap<string, ModelOperation>;

export const withOperation = (world: World, operation: ModelOperation): World =>
  new Map([...world, [operation.id, operation]]);

/** Newest first, as a resume looks at them: what was left behind comes after the operation's line. */
export function newestFirst(operation: ModelOperation): readonly ModelCheckpoint[] {
  return operation.checkpoints.toSorted(
    (a, b) =>
      Number(a.isSuperseded) - Number(b.isSuperseded) || b.step - a.step || b.attempt - a.attempt || b.seq - a.seq,
  );
}

const idsOf = (checkpoints: readonly { readonly id: string }[]): string =>
  checkpoints
    .map(({ id }) => id)
    .toSorted()
    .join();

/** Where the table leads, or null where it has no row. */
export function leadsTo(operation: ModelOperation, event: OperationEvent): OperationStatus | null {
  const rows = TRANSITIONS.filter((row) => row.event === event && row.from === operation.status);
  const holds = {
    'budget-spent': operation.recoveries >= operation.maxRecoveries,
    'with-checkpoint': operation.checkpoints.some(({ isMarked }) => !isMarked),
    'without-checkpoint': true,
  };
  const order = ['budget-spent', 'with-checkpoint', 'without-checkpoint'] as const;
  const wanted = order.find((condition) => holds[condition] && rows.some((row) => row.condition === condition));
  return (rows.find((row) => row.condition === wanted) ?? rows.find(({ condition }) => !condition))?.to ?? null;
}

/** The operation after an event that the table allows, with what always follows from the status. */
export function moved(
  operation: ModelOperation,
  event: OperationEvent,
  to: OperationStatus,
  changes: Partial<ModelOperation> = {},
): ModelOperation {
  const ends = isLeased(operation.status) && !isLeased(to);
  return {
    ...operation,
    status: to,
    version: operation.version + 1,
    ...(isLeased(to) ? {} : { workerId: null, hasLeaseExpired: false }),
    ...(ends ? { attempts: operation.attempts.with(-1, { ...last(operation), outcome: event }) } : {}),
    // Its work is lost, so it begins again.
    ...(to === 'queued' && operation.trained !== null ? { trained: 0 } : {}),
    ...changes,
  };
}

function last({ attempts, id }: ModelOperation): ModelAttempt {
  const attempt = attempts.at(-1);
  if (!attempt) throw new Error(`${id} has had no attempt`);
  return attempt;
}

/** Where the database and the model disagree about an operation. */
export function differences(model: ModelOperation, { row, attempts, checkpoints }: OperationRecord): string[] {
  const expected = {
    status: model.status,
    version: model.version,
    attempt: model.attempts.length,
    worker: model.workerId,
    recoveries: model.recoveries,
    step: model.trained,
    resumeFrom: model.resumeFrom,
    outcomes: model.attempts.map(({ outcome }) => outcome).join(),
    checkpoints: idsOf(model.checkpoints),
  };
  const found: typeof expected = {
    status: row.status,
    version: row.version,
    attempt: row.attempt,
    worker: row.worker_id,
    recoveries: row.recoveries,
    step: row.progress?.step ?? null,
    resumeFrom: row.resume_checkpoint_id,
    outcomes: attempts.map(({ outcome }) => outcome).join(),
    checkpoints: idsOf(checkpoints),
  };
  return (Object.keys(expected) as (keyof typeof expected)[])
    .filter((fact) => expected[fact] !== found[fact])
    .map((fact) => `${row.id}: ${fact} is ${found[fact]}, not ${expected[fact]}`);
}

/** The model with what was left behind, and with what was found damaged meanwhile, which may be at any time and only where it is true. */
export function withMarks(model: ModelOperation, { checkpoints }: OperationRecord): ModelOperation {
  const ids = (is: (row: (typeof checkpoints)[number]) => boolean) =>
    new Set(checkpoints.filter(is).map(({ id }) => id));
  const marked = ids(({ corrupted_at }) => corrupted_at !== null);
  const superseded = ids(({ superseded_at }) => superseded_at !== null);
  return {
    ...model,
    checkpoints: model.checkpoints.map((one) => ({
      ...one,
      isMarked: marked.has(one.id),
      isSuperseded: superseded.has(one.id),
    })),
  };
}
