import { directiveFor, type WorkerDirective } from './directive.js';
import { LeaseLostError, type BadFile } from './errors.js';
import type { Checkpoint, Lease, OperationFailure, Position } from './operation.js';
import type { OperationStatus } from './operation-status.js';
import type {
  CheckpointRepository,
  CheckpointVerifier,
  Dispatcher,
  OperationChanges,
  OperationStore,
  TransitionCommand,
} from './ports.js';
import type { ResumeOperation } from './resume-operation.js';

/** Failures that say nothing about the training itself: another attempt may well succeed. */
const INFRASTRUCTURE_CODES: readonly string[] = ['trainer-crashed'];

type WorkerEventName = 'paused' | 'cancelled' | 'complete' | 'fail' | 'release';

/** What workers report about the end of an attempt. Repeating a report changes nothing and gets the same answer. */
export class ReportOutcome {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
    private readonly resume: ResumeOperation,
  ) {}

  paused(lease: Lease, position: Position, checkpointId: string): Promise<OperationStatus> {
    return this.settle(
      lease,
      'paused',
      { position, resumeCheckpointId: checkpointId },
      { checkpoint_id: checkpointId },
    );
  }

  cancelled(lease: Lease, position: Position, checkpointId: string | null): Promise<OperationStatus> {
    return this.settle(lease, 'cancelled', { position }, { checkpoint_id: checkpointId });
  }

  completed(lease: Lease, position: Position, result: Readonly<Record<string, unknown>>): Promise<OperationStatus> {
    return this.settle(lease, 'complete', { position, result }, {});
  }

  released(lease: Lease, position: Position, reason: string, checkpointId: string | null): Promise<OperationStatus> {
    return this.settle(
      lease,
      'release',
      { position, resumeCheckpointId: null },
      { reason, checkpoint_id: checkpointId },
    );
  }

  async failed(lease: Lease, error: OperationFailure): Promise<OperationStatus> {
    const status = await this.settle(lease, 'fail', { error }, { error });
    if (status === 'failed' && INFRASTRUCTURE_CODES.includes(error.code)) return this.recover(lease, error);
    return status;
  }

  private async recover(lease: Lease, error: OperationFailure): Promise<OperationStatus> {
    const operation = await this.operations.get(lease.operationId);
    if (operation.attempt !== lease.attempt || operation.recoveries >= operation.maxRecoveries) return operation.status;
    const recovered = await this.resume.execute({
      operationId: operation.id,
      choice: 'latest',
      allowFallback: true,
      dryRun: false,
      actor: 'policy:recovery',
      reason: `recovery ${operation.recoveries + 1} of ${operation.maxRecoveries} after ${error.code}`,
      recoveryBudget: 'spend',
    });
    return recovered.operation.status;
  }

  private async settle(
    lease: Lease,
    event: WorkerEventName,
    changes: OperationChanges,
    details: Readonly<Record<string, unknown>>,
  ): Promise<OperationStatus> {
    const command: TransitionCommand = {
      operationId: lease.operationId,
      event,
      actor: `worker:${lease.workerId}`,
      reason: null,
      expect: { attempt: lease.attempt },
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
    throw new LeaseLostError(lease, outcome.operation.status);
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
        expect: { attempt: lease.attempt },
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

  async execute(lease: Lease, checkpointId: string, badFiles: readonly BadFile[]): Promise<Checkpoint | null> {
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
    const older = (await this.checkpoints.ofOperation(lease.operationId)).filter(
      (candidate) => candidate.corruptedAt === null && candidate.step <= damaged.step,
    );
    for (const candidate of older) {
      const { badFiles: bad } = await this.verifier.verify(candidate, 'quick');
      if (bad.length === 0) return candidate;
      await this.checkpoints.markCorrupted(candidate.id, bad);
    }
    await this.operations.transition({
      operationId: lease.operationId,
      event: 'fail',
      actor: `worker:${lease.workerId}`,
      reason: 'no valid checkpoint is left',
      expect: { attempt: lease.attempt },
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
