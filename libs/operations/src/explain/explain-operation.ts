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
  readonly reasons: readonly string[];
  readonly next: string;
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
        until: 'Nothing until somebody resumes it',
      });
    case 'cancelled':
      return explainStopped(facts, {
        summary: `Cancelled by ${operation.cancelRequest?.requestedBy ?? 'nobody known'}`,
        reasons: [operation.cancelRequest?.reason ?? 'no reason was given'],
        until: 'Nothing until somebody resumes it',
      });
    case 'failed':
      return explainStopped(facts, {
        summary: `Failed: ${operation.error?.message ?? 'no reason was recorded'}`,
        reasons: [],
        until: 'Mend the cause, then',
      });
    case 'completed':
      return {
        summary: 'Completed',
        reasons: [`it took ${operation.attempt} ${operation.attempt === 1 ? 'attempt' : 'attempts'}`],
        next: 'Nothing: completed never changes',
      };
  }
}

/** What was imported is paused from the beginning, which nobody has asked for. */
function whyPaused({ pauseRequest, origin, createdBy }: Operation) {
  if (!pauseRequest && origin?.kind === 'import') {
    const from = [origin.checkpointId && `checkpoint ${origin.checkpointId} of`, origin.operationId];
    return {
      summary: `Paused since ${createdBy} imported it`,
      reasons: [`it was made of ${from.filter(Boolean).join(' ')}`],
    };
  }
  return {
    summary: `Paused by ${pauseRequest?.requestedBy ?? 'nobody known'}`,
    reasons: [pauseRequest?.reason ?? 'no reason was given'],
  };
}

interface Stop {
  readonly summary: string;
  readonly reasons: readonly string[];
  readonly until: string;
}

/** What can be resumed, with what a resume from its latest checkpoint would try. */
function explainStopped({ operation, checkpoints }: ExplainFacts, { summary, reasons, until }: Stop): Explanation {
  const trained = operation.progress?.step ?? 0;
  const candidates = candidatesFor(checkpoints, 'latest', trained);
  const resume = `ktrdr operations resume ${operation.id}`;
  // Without a candidate all are damaged, and beyond the step that it was taken back to.
  const first = candidates[0] ?? latestOf(checkpoints);
  if (!first || first.corruptedAt === null)
    return { summary, reasons: [...reasons, continuation(operation, first)], next: `${until}: ${resume}` };
  const [, fallback] = candidates;
  if (!fallback)
    return {
      summary,
      reasons: [...reasons, noneLeft(first)],
      next: `Nothing from there: put its files back, then: ktrdr checkpoints verify ${first.id}`,
    };
  const lost = lostSteps(trained, fallback.step);
  const fallsBack =
    `${foundDamaged(first)}; it falls back to step ${fallback.step} (epoch ${fallback.epoch}), checkpoint ` +
    `${fallback.id}, which loses ${lost} ${lost === 1 ? 'step' : 'steps'}, and only with --allow-fallback`;
  return { summary, reasons: [...reasons, fallsBack], next: `${until}: ${resume} --allow-fallback` };
}

function explainWaiting({ operation, queuePosition, workers, checkpoints }: ExplainFacts): Explanation {
  const able = fittingWorkers(operation, workers);
  const free = able.filter((worker) => takesWork(worker) && worker.freeSlots > 0);
  const reasons: string[] = [];
  const lack = whyUnschedulable(operation, workers);
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
      isOne(able)
        ? 'the only fitting worker is busy'
        : `all ${able.length} fitting workers are busy, draining or quarantined`,
    );
  else if (isOne(free)) reasons.push('1 fitting worker has a free slot and is about to claim it');
  else reasons.push(`${free.length} fitting workers have a free slot; one is about to claim it`);
  if (queuePosition !== null && queuePosition > 1)
    reasons.push(queuePosition === 2 ? '1 operation is before it' : `${queuePosition - 1} operations are before it`);
  if (operation.status === 'resuming') reasons.push(beginning(operation, checkpoints));
  return {
    summary: `Waiting for a worker of pool ${operation.pool}, position ${queuePosition ?? 'unknown'}`,
    reasons,
    next: 'The next fitting worker with a free slot claims it',
  };
}

function isOne(workers: readonly unknown[]): boolean {
  return workers.length === 1;
}

function explainHeld({ operation, checkpoints, now, leaseMs }: ExplainFacts): Explanation {
  const left = operation.leaseExpiresAt ? operation.leaseExpiresAt.getTime() - now.getTime() : 0;
  const lease =
    left > 0
      ? `worker ${operation.workerId} holds attempt ${operation.attempt}; its lease runs ${(left / 1000).toFixed(1)} s more unless renewed`
      : `worker ${operation.workerId} has not been heard of for over ${(leaseMs / 1000).toFixed(0)} s`;
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
  if (!stuckSince || !watchdog) return { summary, reasons: [lease, saved, ...trouble], next };
  const stuck = `its trainer has made no step for over ${watchdog.seconds} s: it was found stuck at ${stuckSince.toISOString()}`;
  const then = left > 0 ? 'It trains on when its trainer makes a step again, or until somebody stops it' : next;
  return { summary, reasons: [stuck, lease, saved, ...trouble], next: then };
}

/** Codes of the warnings that tell why something is not saved. */
const UNSAVED: readonly string[] = ['checkpoint-failed', 'object-store-unavailable', 'pause-timed-out'];

/** The newest warning of a save that has failed, or still waits, since the last one that did not. */
function troubleSince({ warnings }: Operation, savedAt: Date): readonly string[] {
  const newest = warnings
    .filter(({ code, at }) => UNSAVED.includes(code) && Date.parse(at) > savedAt.getTime())
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .at(-1);
  return newest ? [`${newest.message} (warned at ${newest.at})`] : [];
}

function lastSaved(checkpoints: readonly Checkpoint[]): string {
  const [newest] = checkpoints;
  if (!newest) return 'no checkpoint is committed yet';
  const latest = latestOf(checkpoints) ?? newest;
  if (latest.corruptedAt !== null)
    return `the last checkpoint, at step ${latest.step}, was found damaged; there is no sound one`;
  if (latest === newest) return `the last checkpoint is at step ${newest.step}`;
  return `the last sound checkpoint is at step ${latest.step}; a newer one, at step ${newest.step}, was found damaged`;
}

/** What a claim would give to its worker. */
function beginning(operation: Operation, checkpoints: readonly Checkpoint[]): string {
  const { checkpoint: chosen } = startingPoint(operation, checkpoints);
  const isLost = chosen !== null && latestOf(checkpoints)?.corruptedAt != null;
  return isLost ? noneLeft(chosen) : continuation(operation, chosen);
}

function foundDamaged({ id, step }: Checkpoint): string {
  return `checkpoint ${id}, at step ${step}, was found damaged`;
}

function noneLeft(damaged: Checkpoint): string {
  return `${foundDamaged(damaged)}, and no older one is left that is sound: it never begins again at step 0 by itself`;
}

function continuation(operation: Operation, checkpoint: Checkpoint | null | undefined): string {
  if (checkpoint)
    return `it continues from step ${checkpoint.step} (epoch ${checkpoint.epoch}), checkpoint ${checkpoint.id}`;
  const trained = operation.progress?.step ?? 0;
  return trained > 0
    ? 'it has trained but no checkpoint is left: resuming it begins again at step 0, and only with --allow-fallback'
    : 'it begins at step 0';
}
