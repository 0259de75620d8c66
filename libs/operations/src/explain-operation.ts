import { fittingWorkers, lackOfWorkers, missingCapabilities } from './fitting-workers.js';
import type { Checkpoint, Operation } from './operation.js';

export interface ExplainFacts {
  readonly operation: Operation;
  readonly queuePosition: number | null;
  readonly latestCheckpoint: Checkpoint | null;
  /** Workers of its pool that were heard of within a lease. */
  readonly workers: readonly {
    readonly id: string;
    readonly freeSlots: number;
    readonly draining: boolean;
    readonly capabilities: readonly string[];
  }[];
  readonly now: Date;
  readonly leaseMs: number;
}

export interface Explanation {
  readonly summary: string;
  readonly reasons: readonly string[];
  readonly next: string;
}

/** Why an operation is where it is, who holds it, what blocks it, and what happens next. */
export function explain(facts: ExplainFacts): Explanation {
  const { operation, latestCheckpoint } = facts;
  switch (operation.status) {
    case 'queued':
    case 'resuming':
      return explainWaiting(facts);
    case 'running':
    case 'pausing':
    case 'cancelling':
      return explainHeld(facts);
    case 'paused':
      return {
        summary: `Paused by ${operation.pauseRequest?.requestedBy ?? 'nobody known'}`,
        reasons: [operation.pauseRequest?.reason ?? 'no reason was given', continuation(operation, latestCheckpoint)],
        next: `Nothing until somebody resumes it: ktrdr operations resume ${operation.id}`,
      };
    case 'cancelled':
      return {
        summary: `Cancelled by ${operation.cancelRequest?.requestedBy ?? 'nobody known'}`,
        reasons: [operation.cancelRequest?.reason ?? 'no reason was given', continuation(operation, latestCheckpoint)],
        next: `Nothing until somebody resumes it: ktrdr operations resume ${operation.id}`,
      };
    case 'failed':
      return {
        summary: `Failed: ${operation.error?.message ?? 'no reason was recorded'}`,
        reasons: [continuation(operation, latestCheckpoint)],
        next: `Mend the cause, then: ktrdr operations resume ${operation.id}`,
      };
    case 'completed':
      return {
        summary: 'Completed',
        reasons: [`it took ${operation.attempt} ${operation.attempt === 1 ? 'attempt' : 'attempts'}`],
        next: 'Nothing: completed never changes',
      };
  }
}

function explainWaiting({ operation, queuePosition, workers, latestCheckpoint }: ExplainFacts): Explanation {
  const able = fittingWorkers(operation, workers);
  const free = able.filter(({ draining, freeSlots }) => !draining && freeSlots > 0);
  const reasons: string[] = [];
  const lack = lackOfWorkers(operation, workers);
  if (lack !== null) {
    reasons.push(lack);
    const { pinnedBackend } = operation;
    if (pinnedBackend !== null && missingCapabilities(operation, workers).includes(`backend:${pinnedBackend}`))
      reasons.push(
        `its numbers are those of ${pinnedBackend}: start a worker that has it, or cancel it and resume it ` +
          'with --allow-backend-change, which accepts numbers that are close',
      );
  } else if (free.length === 0)
    reasons.push(
      isOne(able) ? 'the only fitting worker is busy' : `all ${able.length} fitting workers are busy or draining`,
    );
  else if (isOne(free)) reasons.push('1 fitting worker has a free slot and is about to claim it');
  else reasons.push(`${free.length} fitting workers have a free slot; one is about to claim it`);
  if (queuePosition !== null && queuePosition > 1)
    reasons.push(queuePosition === 2 ? '1 operation is before it' : `${queuePosition - 1} operations are before it`);
  if (operation.status === 'resuming') reasons.push(continuation(operation, latestCheckpoint));
  return {
    summary: `Waiting for a worker of pool ${operation.pool}, position ${queuePosition ?? 'unknown'}`,
    reasons,
    next: 'The next fitting worker with a free slot claims it',
  };
}

function isOne(workers: readonly unknown[]): boolean {
  return workers.length === 1;
}

function explainHeld({ operation, latestCheckpoint, now, leaseMs }: ExplainFacts): Explanation {
  const left = operation.leaseExpiresAt ? operation.leaseExpiresAt.getTime() - now.getTime() : 0;
  const lease =
    left > 0
      ? `worker ${operation.workerId} holds attempt ${operation.attempt}; its lease runs ${(left / 1000).toFixed(1)} s more unless renewed`
      : `worker ${operation.workerId} has not been heard of for over ${(leaseMs / 1000).toFixed(0)} s`;
  const saved = latestCheckpoint
    ? `the last checkpoint is at step ${latestCheckpoint.step}`
    : 'no checkpoint is committed yet';
  const next = {
    running: left > 0 ? 'It trains on' : 'The sweeper hands it to another worker',
    pausing: 'It is paused as soon as its checkpoint is committed and the trainer process is gone',
    cancelling:
      operation.cancelRequest?.save === false
        ? 'It is cancelled as soon as the worker confirms; the work since the last checkpoint is discarded'
        : 'It is cancelled as soon as its checkpoint is committed',
  }[operation.status as 'running' | 'pausing' | 'cancelling'];
  const summary = `${operation.status} on worker ${operation.workerId}`;
  const { stuckSince, watchdog } = operation;
  if (!stuckSince || !watchdog) return { summary, reasons: [lease, saved], next };
  const stuck = `its trainer has made no step for over ${watchdog.seconds} s: it was found stuck at ${stuckSince.toISOString()}`;
  const then = left > 0 ? 'It trains on when its trainer makes a step again, or until somebody stops it' : next;
  return { summary, reasons: [stuck, lease, saved], next: then };
}

function continuation(operation: Operation, checkpoint: Checkpoint | null): string {
  if (checkpoint)
    return `it continues from step ${checkpoint.step} (epoch ${checkpoint.epoch}), checkpoint ${checkpoint.id}`;
  const trained = operation.progress?.step ?? 0;
  return trained > 0
    ? 'it has trained but no checkpoint is left: resuming it begins again at step 0, and only with --allow-fallback'
    : 'it begins at step 0';
}
