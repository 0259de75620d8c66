import { isLeased, isWaiting, type OperationEvent } from '@ktrdr/operations';
import type { ActionOf as Of, GrantedLease } from './action.js';
import { type Expectation, refused } from './client-rules.js';
import { leadsTo, type ModelOperation, moved, newestFirst, withOperation, type World } from './model.js';

type Report = Of<'paused' | 'cancelled' | 'completed' | 'released' | 'failed'>;

const EVENTS: Readonly<Record<Report['kind'], OperationEvent>> = {
  paused: 'paused',
  cancelled: 'cancelled',
  completed: 'complete',
  released: 'release',
  failed: 'fail',
};

/** A crash says nothing about the training. */
const eventOf = (action: Report): OperationEvent =>
  action.kind === 'failed' && action.code === 'trainer-crashed' ? 'crash' : EVENTS[action.kind];

const answered = (world: World, operation: ModelOperation, facts: object): Expectation => ({
  world: withOperation(world, operation),
  answer: { ok: true, ...facts },
});

export function holds(operation: ModelOperation | undefined, lease: GrantedLease): operation is ModelOperation {
  return operation?.attempts.length === lease.attempt && operation.workerId === lease.workerId;
}

/** What the holder of this lease must be told to do. */
export function directiveTo(operation: ModelOperation | undefined, lease: GrantedLease): string {
  if (!holds(operation, lease) || !isLeased(operation.status)) return 'lease-lost';
  if (operation.status === 'cancelling') return 'cancel';
  return operation.status === 'pausing' ? 'pause' : 'run';
}

/** The one that a claim must give, where nobody else claims at the same time. */
function firstFor(world: World, capabilities: readonly string[]): ModelOperation | undefined {
  return [...world.values()]
    .filter(({ status, isPinned }) => isWaiting(status) && (!isPinned || capabilities.includes('backend:wasm')))
    .toSorted((a, b) => b.priority - a.priority || a.place - b.place)[0];
}

/** @param forced what the claim has given, where others claimed at the same time; undefined: whatever comes first */
export function expectedOfClaim(world: World, action: Of<'claim'>, forced?: string | null): Expectation {
  const { claimId, workerId, capabilities } = action;
  const isOwn = ({ attempts }: ModelOperation) => attempts.some((attempt) => attempt.claimId === claimId);
  const before = [...world.values()].find(isOwn);
  if (before) {
    const isOpen = before.attempts.at(-1)?.claimId === claimId && isLeased(before.status);
    return isOpen ? answered(world, before, given(before)) : { world, answer: { ok: true, operation: null } };
  }
  const first = forced === undefined ? firstFor(world, capabilities) : forced === null ? undefined : world.get(forced);
  if (!first || !isWaiting(first.status)) return { world, answer: { ok: true, operation: null } };
  const attempts = [...first.attempts, { workerId, claimId, outcome: null, startStep: null, startedFrom: null }];
  const claimed = moved(first, 'claim', 'running', { workerId, attempts, hasLeaseExpired: false });
  return answered(world, claimed, given(claimed));
}

/** The chosen checkpoint, else the newest that is not known to be damaged. */
function given(operation: ModelOperation) {
  const checkpoints = newestFirst(operation);
  const start = checkpoints.find(({ id }) => id === operation.resumeFrom) ?? checkpoints.find((one) => !one.isMarked);
  return { operation: operation.id, attempt: operation.attempts.length, resume: start?.id ?? null };
}

export function expectedOfHeartbeat(world: World, { leases }: Of<'heartbeat'>): Expectation {
  let after = world;
  for (const lease of leases) {
    const operation = after.get(lease.operationId);
    if (holds(operation, lease) && isLeased(operation.status))
      after = withOperation(after, { ...operation, hasLeaseExpired: false });
  }
  return {
    world: after,
    answer: { ok: true, directives: leases.map((lease) => directiveTo(world.get(lease.operationId), lease)) },
  };
}

export function expectedOfRestored(world: World, { lease, step, checkpointId }: Of<'restored'>): Expectation {
  const operation = world.get(lease.operationId);
  if (!holds(operation, lease)) return refused(world, 'lease-lost');
  const attempt = operation.attempts.at(-1);
  const facts = { directive: directiveTo(operation, lease) };
  if (!attempt || attempt.startStep !== null) return answered(world, operation, facts);
  const attempts = operation.attempts.with(-1, { ...attempt, startStep: step, startedFrom: checkpointId });
  return answered(world, { ...operation, attempts, trained: step, isPinned: true }, facts);
}

export function expectedOfCommit(world: World, { lease, checkpoint, isStored }: Of<'commit'>): Expectation {
  const operation = world.get(lease.operationId);
  const facts = { checkpoint: checkpoint.id };
  if (!isStored) return refused(world, 'checkpoint-failed');
  if (operation?.checkpoints.some(({ id, attempt }) => id === checkpoint.id && attempt === lease.attempt))
    return answered(world, operation, facts);
  if (!holds(operation, lease)) return refused(world, 'lease-lost');
  const made = { ...checkpoint, attempt: lease.attempt, isDamaged: false, isMarked: false, isSuperseded: false };
  // What is saved was trained.
  const trained = operation.trained === null ? null : Math.max(operation.trained, checkpoint.step);
  return answered(world, { ...operation, trained, checkpoints: [...operation.checkpoints, made] }, facts);
}

export function expectedOfSaveFailure(world: World, { lease, step, isPauseAbandoned }: Of<'save-failed'>): Expectation {
  const operation = world.get(lease.operationId);
  if (!operation) return refused(world, isPauseAbandoned ? 'operation-not-found' : 'lease-lost');
  const isNewest = operation.attempts.length === lease.attempt;
  if (!isPauseAbandoned) {
    if (!holds(operation, lease)) return refused(world, 'lease-lost');
    const warning = `${lease.attempt} ${step}`;
    const told = operation.told.includes(warning) ? operation : { ...operation, told: [...operation.told, warning] };
    return answered(world, told, { directive: directiveTo(operation, lease) });
  }
  const to = isNewest ? leadsTo(operation, 'pause-failed') : null;
  const after = to ? moved(operation, 'pause-failed', to) : operation;
  return answered(world, after, { directive: directiveTo(after, lease) });
}

/** A worker has found its checkpoint damaged: it is given the newest sound older one, or the operation fails. */
export function expectedOfRestoreFailure(world: World, { lease, checkpointId }: Of<'restore-failed'>): Expectation {
  const operation = world.get(lease.operationId);
  if (!holds(operation, lease)) return refused(world, 'lease-lost');
  const damaged = operation.checkpoints.find(({ id }) => id === checkpointId);
  const older = newestFirst(operation).find(
    (one) => one.id !== checkpointId && !one.isMarked && !one.isDamaged && one.step <= (damaged?.step ?? -1),
  );
  if (older) return answered(world, { ...operation }, { resume: older.id });
  const to = leadsTo(operation, 'fail');
  return answered(world, to ? moved(operation, 'fail', to) : { ...operation }, { resume: null });
}

/** What this attempt has saved or, before its first step, what it began with. */
function mayEndWith(operation: ModelOperation, { checkpointId, step }: Of<'paused' | 'completed'>): boolean {
  const attempt = operation.attempts.at(-1);
  const checkpoint = operation.checkpoints.find(({ id }) => id === checkpointId);
  if (!attempt || !checkpoint) return false;
  if (checkpoint.attempt === operation.attempts.length) return true;
  if (checkpoint.step !== step) return false;
  if (attempt.startStep === null) return !checkpoint.isSuperseded;
  return checkpoint.id === attempt.startedFrom && (operation.trained ?? 0) <= attempt.startStep;
}

/** The report of an end. Repeating it gets the answer again and changes nothing. */
export function expectedOfReport(world: World, action: Report): Expectation {
  const { lease, kind, step } = action;
  const event = eventOf(action);
  const operation = world.get(lease.operationId);
  if (!operation) return refused(world, 'operation-not-found');
  const isNewest = operation.attempts.length === lease.attempt;
  const to = isNewest ? leadsTo(operation, event) : null;
  if (!to) {
    const own = operation.attempts[lease.attempt - 1];
    if (own?.outcome === event && own.workerId === lease.workerId)
      return answered(world, operation, { status: operation.status });
    return refused(world, holds(operation, lease) ? 'illegal-transition' : 'lease-lost');
  }
  if ((action.kind === 'paused' || action.kind === 'completed') && !mayEndWith(operation, action))
    return refused(world, 'checkpoint-not-found');
  const reached = to === 'queued' || operation.trained === null || kind === 'failed' ? {} : { trained: step };
  const after = moved(operation, event, to, {
    ...reached,
    ...(action.kind === 'paused' ? { resumeFrom: action.checkpointId } : {}),
    ...(kind === 'released' || event === 'crash' ? { resumeFrom: null } : {}),
    recoveries: operation.recoveries + (event === 'crash' && isWaiting(to) ? 1 : 0),
  });
  return answered(world, after, { status: after.status });
}

/** What the sweeper must make of an operation, or null where it has nothing to do. */
export function swept(operation: ModelOperation, isOverdue: boolean): ModelOperation | null {
  if (isLeased(operation.status) && operation.hasLeaseExpired) {
    const to = leadsTo(operation, 'lease-expired');
    if (!to) return null;
    const isTriedAgain = isWaiting(to);
    return moved(operation, 'lease-expired', to, {
      recoveries: operation.recoveries + (isTriedAgain ? 1 : 0),
      resumeFrom: null,
    });
  }
  if (!isOverdue) return null;
  const event = { cancelling: 'cancelled', pausing: 'pause-failed' } as const;
  if (operation.status !== 'cancelling' && operation.status !== 'pausing') return null;
  const to = leadsTo(operation, event[operation.status]);
  return to && moved(operation, event[operation.status], to);
}
