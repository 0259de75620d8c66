import { type Failpoints, NO_FAILPOINTS } from '@ktrdr/failpoints';
import { fallbacksFor } from '../checkpoints/latest.js';
import { directiveFor, type WorkerDirective } from './directive.js';
import {
  CheckpointNotFoundError,
  CheckpointNotOfAttemptError,
  IllegalTransitionError,
  LeaseLostError,
  type BadFile,
} from '../model/errors.js';
import type { Checkpoint, Position } from '../model/checkpoint.js';
import { type Lease, type OperationFailure, remainingTime } from '../model/operation.js';
import type { OperationStatus } from '../model/status.js';
import type { CheckpointRepository, CheckpointVerifier } from '../checkpoints/checkpoint-ports.js';
import type { Dispatcher, OperationChanges, OperationStore, TransitionCommand } from '../ports.js';
import { statusesBefore } from '../model/transitions.js';

/**
 * Failures that say nothing about the training itself: another attempt may well succeed. A trainer that the system
 * killed for memory may fit elsewhere; one that exhausted its own heap would do so again.
 */
function isWorthAnotherTry({ code, details }: OperationFailure): boolean {
  const wasKilled = details['signal'] === 'SIGKILL' || details['exit_code'] === 137;
  return code === 'trainer-crashed' || (code === 'trainer-out-of-memory' && wasKilled);
}

/** As a person reads them in the history, by what workers send. */
const RELEASE_REASONS: ReadonlyMap<string, string> = new Map([
  ['worker-shutdown', 'the worker shuts down'],
  ['drain', 'the worker drains'],
]);

export interface PausedReport {
  readonly position: Position;
  readonly checkpointId: string;
  readonly snapshot: Readonly<Record<string, unknown>> | null;
  readonly now: Date;
}

function holderOf({ attempt, workerId }: Lease): TransitionCommand['expect'] {
  return { attempt, workerId };
}

type WorkerEventName = 'paused' | 'cancelled' | 'complete' | 'fail' | 'crash' | 'release';

/** What workers report about the end of an attempt. Repeating a report changes nothing and gets the same answer. */
export class ReportOutcome {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
    private readonly failpoints: Failpoints = NO_FAILPOINTS,
  ) {}

  async paused(lease: Lease, paused: PausedReport): Promise<OperationStatus> {
    const { position, checkpointId, snapshot, now } = paused;
    const remaining = remainingTime(await this.operations.get(lease.operationId), now.getTime());
    const pauseRecord = { ...position, pausedAt: now.toISOString(), checkpointId, remaining, snapshot };
    const details = { checkpoint_id: checkpointId, ...position, remaining, snapshot };
    const changes = { position, resumeCheckpointId: checkpointId, pauseRecord };
    const status = await this.settle(lease, 'paused', changes, details, { checkpointId });
    await this.failpoints.reach('pause.recorded', lease.operationId);
    return status;
  }

  async cancelled(lease: Lease, position: Position, checkpointId: string | null): Promise<OperationStatus> {
    const status = await this.settle(lease, 'cancelled', { position }, { checkpoint_id: checkpointId });
    await this.failpoints.reach('cancel.recorded', lease.operationId);
    return status;
  }

  async completed(
    lease: Lease,
    position: Position,
    result: Readonly<Record<string, unknown>>,
    checkpointId: string | null,
  ): Promise<OperationStatus> {
    const status = await this.settle(lease, 'complete', { position, result }, {}, { checkpointId });
    await this.failpoints.reach('complete.recorded', lease.operationId);
    return status;
  }

  released(lease: Lease, position: Position, reason: string, checkpointId: string | null): Promise<OperationStatus> {
    return this.settle(
      lease,
      'release',
      { position, resumeCheckpointId: null },
      { reason, checkpoint_id: checkpointId },
      { reason: RELEASE_REASONS.get(reason) ?? reason },
    );
  }

  /** A crash goes on by itself while the recovery budget lasts, as after a lost worker; any other failure waits. */
  async failed(lease: Lease, error: OperationFailure): Promise<OperationStatus> {
    const status = await this.recordFailure(lease, error);
    await this.failpoints.reach('fail.recorded', lease.operationId);
    return status;
  }

  private recordFailure(lease: Lease, error: OperationFailure): Promise<OperationStatus> {
    if (!isWorthAnotherTry(error)) return this.settle(lease, 'fail', { error }, { error });
    const changes: OperationChanges = { error, recoveryBudget: 'spend', resumeCheckpointId: null };
    return this.settle(lease, 'crash', changes, { error }, { reason: error.message });
  }

  private async settle(
    lease: Lease,
    event: WorkerEventName,
    changes: OperationChanges,
    details: Readonly<Record<string, unknown>>,
    { checkpointId, reason = null }: { readonly checkpointId?: string | null; readonly reason?: string | null } = {},
  ): Promise<OperationStatus> {
    const command: TransitionCommand = {
      operationId: lease.operationId,
      event,
      actor: `worker:${lease.workerId}`,
      reason,
      expect: { ...holderOf(lease), ...(checkpointId === undefined ? {} : { checkpointId }) },
      changes,
      details,
    };
    const outcome = await this.operations.transition(command);
    if (outcome.kind === 'applied') {
      this.dispatcher.announce(outcome.operation);
      return outcome.operation.status;
    }
    const attempts = await this.operations.attempts(lease.operationId);
    const own = attempts.find(({ attempt }) => attempt === lease.attempt);
    if (own?.outcome === event && own.workerId === lease.workerId) return outcome.operation.status;
    const { id, status, attempt, workerId } = outcome.operation;
    const isHolder = attempt === lease.attempt && workerId === lease.workerId;
    if (isHolder && checkpointId !== undefined && statusesBefore(event).includes(status))
      throw new CheckpointNotOfAttemptError(lease, checkpointId);
    // It still holds the lease, but what it was asked for has changed meanwhile: a pause withdrawn, or overtaken.
    if (isHolder) throw new IllegalTransitionError({ operationId: id, status, action: event, allowedActions: [] });
    throw new LeaseLostError(lease, status);
  }
}

/** A save that failed. Training goes on; a pause that waited for it is given up. */
export class ReportSaveFailure {
  constructor(private readonly operations: OperationStore) {}

  async execute(
    lease: Lease,
    failure: { readonly kind: string; readonly position: Position; readonly error: OperationFailure },
    pauseAbandoned: boolean,
  ): Promise<WorkerDirective> {
    const message = `${failure.kind} checkpoint at step ${failure.position.step} failed: ${failure.error.message}`;
    const warning = { code: 'checkpoint-failed', message };
    const details = { kind: failure.kind, ...failure.position, error: failure.error };
    if (pauseAbandoned) {
      const outcome = await this.operations.transition({
        operationId: lease.operationId,
        event: 'pause-failed',
        actor: `worker:${lease.workerId}`,
        reason: failure.error.message,
        expect: holderOf(lease),
        changes: { pauseRequest: null, warning },
        details,
      });
      return directiveFor(outcome.operation, lease);
    }
    return directiveFor(await this.operations.warn(lease, warning, details), lease);
  }
}

/** A restore that found its checkpoint damaged: the next older valid one, visibly, or a failed operation. */
export class ReportRestoreFailure {
  constructor(
    private readonly operations: OperationStore,
    private readonly checkpoints: CheckpointRepository,
    private readonly verifier: CheckpointVerifier,
  ) {}

  /** @throws {CheckpointNotFoundError} when it is not one of the lease's operation. */
  async execute(lease: Lease, checkpointId: string, badFiles: readonly BadFile[]): Promise<Checkpoint | null> {
    const known = (await this.checkpoints.byIds([checkpointId])).get(checkpointId);
    if (known && known.operationId !== lease.operationId) throw new CheckpointNotFoundError(checkpointId);
    await this.operations.warn(
      lease,
      {
        code: 'checkpoint-corrupted',
        message: `checkpoint ${checkpointId} is damaged (${badFiles.map(({ name }) => name).join(', ')})`,
      },
      { checkpoint_id: checkpointId, bad_files: badFiles },
    );
    await this.checkpoints.markCorrupted(checkpointId, badFiles);
    const damaged = await this.checkpoints.get(checkpointId);
    const committed = await this.checkpoints.ofOperation(lease.operationId);
    for (const candidate of fallbacksFor(damaged, committed)) {
      const { badFiles: bad } = await this.verifier.verify(candidate, 'quick');
      if (bad.length === 0) return candidate;
      await this.checkpoints.markCorrupted(candidate.id, bad);
    }
    await this.operations.transition({
      operationId: lease.operationId,
      event: 'fail',
      actor: `worker:${lease.workerId}`,
      reason: 'no valid checkpoint is left',
      expect: holderOf(lease),
      changes: {
        error: {
          code: 'checkpoint-corrupted',
          message: `Checkpoint ${checkpointId} is damaged and no older one is valid; it does not restart from zero by itself`,
          details: { checkpoint_id: checkpointId, bad_files: badFiles },
        },
      },
      details: { checkpoint_id: checkpointId },
    });
    return null;
  }
}
