import type { OperationStore } from '../ports.js';
import { candidatesFor, latestOf, lostSteps, startingPoint } from '../checkpoints/latest.js';
import {
  fittingWorkers,
  type KnownWorker,
  missingCapabilities,
  takesWork,
  whyUnschedulable,
} from '../queue/fitting-workers.js';
import type { Checkpoint } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';
import type { Reason, Suggestion } from '../model/suggestion.js';

type LiveWorker = Pick<KnownWorker, 'id' | 'freeSlots' | 'draining' | 'isQuarantined' | 'capabilities'>;

export interface ExplainFacts {
  readonly operation: Operation;
  readonly queuePosition: number | null;
  /** All of its own, newest first. */
  readonly checkpoints: readonly Checkpoint[];
  /** Workers of its pool that were heard of within a lease. */
  readonly workers: readonly LiveWorker[];
  readonly now: Date;
  readonly leaseMs: number;
}

export interface Explanation {
  readonly summary: string;
  readonly reasons: readonly Reason[];
  /** What happens next by itself. */
  readonly next: string;
  /** What makes it go on. */
  readonly suggestions: readonly Suggestion[];
}

function reason(code: string, message: string, details: Reason['details'] = {}): Reason {
  return { code, message, details };
}

/** The workers of a pool whose heartbeats came within a lease. */
export interface WorkerDirectory {
  ofPool(pool: string): Promise<readonly LiveWorker[]>;
}

/** Reads what {@link explain} explains. */
export class ExplainOperation {
  constructor(
    private readonly operations: Pick<OperationStore, 'getWithCheckpoints' | 'queuePosition'>,
    private readonly workers: WorkerDirectory,
  ) {}

  /** @throws {OperationNotFoundError} */
  async execute(
    operationId: string,
    { now, leaseMs }: Pick<ExplainFacts, 'now' | 'leaseMs'>,
  ): Promise<Explanation & { readonly operation: Operation }> {
    const { operation, checkpoints } = await this.operations.getWithCheckpoints(operationId);
    const [queuePosition, workers] = await Promise.all([
      this.operations.queuePosition(operation),
      this.workers.ofPool(operation.pool),
    ]);
    return { operation, ...explain({ operation, queuePosition, checkpoints, workers, now, leaseMs }) };
  }
}

/** Why an operation is where it is, who holds it, what blocks it, and what happens next. */
export function explain(facts: ExplainFacts): Explanation {
  const { operation } = facts;
  switch (operation.status) {
    case 'queued':
    case 'resuming':
      return explainWaiting(facts);
    case 'running':
    case 'pausing':
    case 'cancelling':
      return explainHeld(facts);
    case 'paused':
      return explainStopped(facts, {
        ...whyPaused(operation),
        next: 'Nothing until it is resumed',
      });
    case 'cancelled':
      return explainStopped(facts, {
        summary: `Cancelled by ${operation.cancelRequest?.requestedBy ?? 'an unknown actor'}`,
        reasons: [givenReason(operation.cancelRequest)],
        next: 'Nothing until it is resumed',
      });
    case 'failed':
      return explainStopped(facts, {
        summary: `Failed: ${operation.error?.message ?? 'no reason was recorded'}`,
        reasons: [],
        next: 'Nothing until it is resumed, once the cause is fixed',
      });
    case 'completed':
      return {
        summary: 'Completed',
        reasons: [
          reason('attempts', `it took ${operation.attempt} ${operation.attempt === 1 ? 'attempt' : 'attempts'}`, {
            attempts: operation.attempt,
          }),
        ],
        next: 'Nothing: completed never changes',
        suggestions: [],
      };
  }
}

/** What was imported is paused from the beginning, without a request. */
function whyPaused({ pauseRequest, origin, createdBy }: Operation) {
  if (!pauseRequest && origin?.kind === 'import') {
    const from = [origin.checkpointId && `checkpoint ${origin.checkpointId} of`, origin.operationId];
    return {
      summary: `Paused since ${createdBy} imported it`,
      reasons: [
        reason('imported', `it was made of ${from.filter(Boolean).join(' ')}`, {
          operation_id: origin.operationId,
          checkpoint_id: origin.checkpointId,
        }),
      ],
    };
  }
  return {
    summary: `Paused by ${pauseRequest?.requestedBy ?? 'an unknown actor'}`,
    reasons: [givenReason(pauseRequest)],
  };
}

function givenReason(request: { readonly reason: string | null } | null): Reason {
  const given = request?.reason ?? null;
  return given === null ? reason('no-reason-given', 'no reason was given') : reason('reason-given', given);
}

interface Stop {
  readonly summary: string;
  readonly reasons: readonly Reason[];
  readonly next: string;
}

/** What can be resumed, with what a resume from its latest checkpoint would try. */
function explainStopped({ operation, checkpoints }: ExplainFacts, { summary, reasons, next }: Stop): Explanation {
  const trained = operation.progress?.step ?? 0;
  const candidates = candidatesFor(checkpoints, 'latest', trained);
  const resume = { action: 'resume', operation_id: operation.id } as const;
  // Without a candidate all are damaged, and beyond the step that it was taken back to.
  const first = candidates[0] ?? latestOf(checkpoints);
  if (!first || first.corruptedAt === null)
    return {
      summary,
      reasons: [...reasons, continuation(operation, first)],
      next,
      suggestions: [resumeOf(operation, first)],
    };
  const [, fallback] = candidates;
  if (!fallback)
    return {
      summary,
      reasons: [...reasons, noneLeft(first)],
      next: 'Nothing from there, until its files are put back and verified',
      suggestions: [{ action: 'verify-checkpoint', checkpoint_id: first.id }],
    };
  const lost = lostSteps(trained, fallback.step);
  const fallsBack = reason(
    'falls-back',
    `${foundDamaged(first)}; it falls back to step ${fallback.step} (epoch ${fallback.epoch}), checkpoint ` +
      `${fallback.id}, which loses ${lost} ${lost === 1 ? 'step' : 'steps'}, and only where a fallback is allowed`,
    { damaged_checkpoint_id: first.id, checkpoint_id: fallback.id, step: fallback.step, lost_steps: lost },
  );
  return { summary, reasons: [...reasons, fallsBack], next, suggestions: [{ ...resume, allow_fallback: true }] };
}

function explainWaiting({ operation, queuePosition, workers, checkpoints }: ExplainFacts): Explanation {
  const able = fittingWorkers(operation, workers);
  const free = able.filter((worker) => takesWork(worker) && worker.freeSlots > 0);
  const reasons: Reason[] = [];
  const suggestions: Suggestion[] = [];
  const lack = whyUnschedulable(operation, workers);
  if (lack !== null) {
    reasons.push(lack);
    const { pinnedBackend } = operation;
    if (pinnedBackend !== null && missingCapabilities(operation, workers).includes(`backend:${pinnedBackend}`)) {
      const message =
        `its numbers are those of ${pinnedBackend}: start a worker that has it, or cancel it and resume it ` +
        'with another backend allowed, which accepts numbers that are close';
      reasons.push(reason('backend-pinned', message, { backend: pinnedBackend }));
      const { id: operation_id } = operation;
      suggestions.push(
        { action: 'cancel', operation_id },
        { action: 'resume', operation_id, allow_backend_change: true },
      );
    }
  } else if (free.length === 0)
    reasons.push(
      reason(
        'workers-busy',
        isOne(able)
          ? 'the only fitting worker is busy'
          : `all ${able.length} fitting workers are busy, draining or quarantined`,
        { workers: able.length },
      ),
    );
  else
    reasons.push(
      reason(
        'worker-free',
        isOne(free)
          ? '1 fitting worker has a free slot and is about to claim it'
          : `${free.length} fitting workers have a free slot; one is about to claim it`,
        { workers: free.length },
      ),
    );
  if (queuePosition !== null && queuePosition > 1) {
    const before = queuePosition - 1;
    const message = before === 1 ? '1 operation is before it' : `${before} operations are before it`;
    reasons.push(reason('queued-behind', message, { operations: before }));
  }
  if (operation.status === 'resuming') reasons.push(beginning(operation, checkpoints));
  return {
    summary: `Waiting for a worker of pool ${operation.pool}, position ${queuePosition ?? 'unknown'}`,
    reasons,
    next: 'The next fitting worker with a free slot claims it',
    suggestions,
  };
}

function isOne(workers: readonly unknown[]): boolean {
  return workers.length === 1;
}

function explainHeld({ operation, checkpoints, now, leaseMs }: ExplainFacts): Explanation {
  const left = operation.leaseExpiresAt ? operation.leaseExpiresAt.getTime() - now.getTime() : 0;
  const lease =
    left > 0
      ? reason(
          'lease-held',
          `worker ${operation.workerId} holds attempt ${operation.attempt}; its lease runs ${(left / 1000).toFixed(1)} s more unless renewed`,
          { worker_id: operation.workerId, attempt: operation.attempt, seconds: left / 1000 },
        )
      : reason(
          'worker-silent',
          `worker ${operation.workerId} has not been heard of for over ${(leaseMs / 1000).toFixed(0)} s`,
          { worker_id: operation.workerId, seconds: leaseMs / 1000 },
        );
  const saved = lastSaved(checkpoints);
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
  const trouble = troubleSince(operation, checkpoints[0]?.createdAt ?? operation.createdAt);
  if (!stuckSince || !watchdog) return { summary, reasons: [lease, saved, ...trouble], next, suggestions: [] };
  const stuck = reason(
    'trainer-stalled',
    `its trainer has made no step for over ${watchdog.seconds} s: it was found stuck at ${stuckSince.toISOString()}`,
    { seconds: watchdog.seconds, since: stuckSince.toISOString() },
  );
  const then = left > 0 ? 'It trains on when its trainer makes a step again, or until it is stopped' : next;
  return { summary, reasons: [stuck, lease, saved, ...trouble], next: then, suggestions: [] };
}

/** Codes of the warnings that tell why something is not saved. */
const UNSAVED: readonly string[] = ['checkpoint-failed', 'object-store-unavailable', 'pause-timed-out'];

/** The newest warning of a save that has failed, or still waits, since the last one that did not. */
function troubleSince({ warnings }: Operation, savedAt: Date): readonly Reason[] {
  const newest = warnings
    .filter(({ code, at }) => UNSAVED.includes(code) && Date.parse(at) > savedAt.getTime())
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .at(-1);
  return newest ? [reason(newest.code, `${newest.message} (warned at ${newest.at})`, { at: newest.at })] : [];
}

function lastSaved(checkpoints: readonly Checkpoint[]): Reason {
  const [newest] = checkpoints;
  if (!newest) return reason('no-checkpoint', 'no checkpoint is committed yet');
  const latest = latestOf(checkpoints) ?? newest;
  const at = { checkpoint_id: latest.id, step: latest.step };
  if (latest.corruptedAt !== null)
    return reason(
      'checkpoint-corrupted',
      `the last checkpoint, at step ${latest.step}, was found damaged; there is no sound one`,
      at,
    );
  if (latest === newest) return reason('checkpoint-saved', `the last checkpoint is at step ${newest.step}`, at);
  return reason(
    'newest-corrupted',
    `the last sound checkpoint is at step ${latest.step}; a newer one, at step ${newest.step}, was found damaged`,
    { ...at, damaged_step: newest.step },
  );
}

/** What a claim would give to its worker. */
function beginning(operation: Operation, checkpoints: readonly Checkpoint[]): Reason {
  const { checkpoint: chosen } = startingPoint(operation, checkpoints);
  const isLost = chosen !== null && latestOf(checkpoints)?.corruptedAt != null;
  return isLost ? noneLeft(chosen) : continuation(operation, chosen);
}

function foundDamaged({ id, step }: Checkpoint): string {
  return `checkpoint ${id}, at step ${step}, was found damaged`;
}

function noneLeft(damaged: Checkpoint): Reason {
  return reason(
    'checkpoint-corrupted',
    `${foundDamaged(damaged)}, and no older one is left that is sound: it never begins again at step 0 by itself`,
    { checkpoint_id: damaged.id, step: damaged.step },
  );
}

function continuation(operation: Operation, checkpoint: Checkpoint | null | undefined): Reason {
  if (checkpoint) {
    const { id, step, epoch } = checkpoint;
    const message = `it continues from step ${step} (epoch ${epoch}), checkpoint ${id}`;
    return reason('continues', message, { checkpoint_id: id, step, epoch });
  }
  return hasLostAll(operation)
    ? reason(
        'no-checkpoint-left',
        'it has trained but no checkpoint is left: resuming it begins again at step 0, and only where a fallback is allowed',
      )
    : reason('begins', 'it begins at step 0');
}

function hasLostAll({ progress }: Operation): boolean {
  return (progress?.step ?? 0) > 0;
}

function resumeOf(operation: Operation, checkpoint: Checkpoint | undefined): Suggestion {
  const needsFallback = !checkpoint && hasLostAll(operation);
  return { action: 'resume', operation_id: operation.id, ...(needsFallback ? { allow_fallback: true } : {}) };
}
