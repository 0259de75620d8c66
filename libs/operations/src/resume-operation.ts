import { candidatesFor, lostSteps } from './choose-checkpoint.js';
import { CheckpointCorruptedError, IllegalTransitionError, NoCheckpointError, type BadFile } from './errors.js';
import type { Checkpoint, Operation } from './operation.js';
import type { CheckpointRepository, CheckpointVerifier, Dispatcher, OperationStore } from './ports.js';
import { allowedActions, statusesBefore } from './transitions.js';

export interface ResumeRequest {
  readonly operationId: string;
  readonly choice: string;
  readonly allowFallback: boolean;
  readonly dryRun: boolean;
  readonly actor: string;
  readonly reason: string | null;
  /** Only a person's resume starts the recovery budget anew. */
  readonly recoveryBudget: 'spend' | 'refill';
}

export interface ResumePlan {
  readonly operation: Operation;
  /** null: it never started, so it begins at step 0. */
  readonly checkpoint: Checkpoint | null;
  readonly lostSteps: number;
  readonly fellBackFrom: string | null;
}

/** try_resume: sends a stopped operation back to the workers from a verified checkpoint; a refusal changes nothing. */
export class ResumeOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly checkpoints: CheckpointRepository,
    private readonly verifier: CheckpointVerifier,
    private readonly dispatcher: Dispatcher,
  ) {}

  /**
   * @throws {IllegalTransitionError} it is not resumable, or another caller was first
   * @throws {NoCheckpointError} it has trained but nothing is left to continue from
   * @throws {CheckpointCorruptedError} the chosen checkpoint is damaged and no fallback was allowed or found
   */
  async execute(request: ResumeRequest): Promise<ResumePlan> {
    const operation = await this.operations.get(request.operationId);
    if (operation.status === 'pausing' && !request.dryRun) return this.withdrawPause(operation, request);
    const plan = await this.plan(operation, request);
    if (request.dryRun) return plan;

    const outcome = await this.operations.transition({
      operationId: operation.id,
      event: 'resume',
      actor: request.actor,
      reason: request.reason,
      expect: { version: operation.version },
      changes: {
        resumeCheckpointId: plan.checkpoint?.id ?? null,
        pauseRequest: null,
        cancelRequest: null,
        error: null,
        recoveryBudget: request.recoveryBudget,
        position: plan.checkpoint ?? { step: 0, epoch: 0 },
      },
      details: {
        checkpoint_id: plan.checkpoint?.id ?? null,
        lost_steps: plan.lostSteps,
        ...(plan.fellBackFrom ? { fell_back_from: plan.fellBackFrom } : {}),
        ...(operation.error ? { previous_error: operation.error } : {}),
      },
    });
    if (outcome.kind === 'refused') throw refusal(outcome.operation);
    this.dispatcher.announce(outcome.operation);
    return { ...plan, operation: outcome.operation };
  }

  private async withdrawPause(operation: Operation, request: ResumeRequest): Promise<ResumePlan> {
    const outcome = await this.operations.transition({
      operationId: operation.id,
      event: 'withdraw-pause',
      actor: request.actor,
      reason: request.reason,
      expect: {},
      changes: { pauseRequest: null },
      details: {},
    });
    if (outcome.kind === 'refused') throw refusal(outcome.operation);
    if (outcome.operation.workerId) this.dispatcher.hint(outcome.operation.workerId, operation.id);
    return { operation: outcome.operation, checkpoint: null, lostSteps: 0, fellBackFrom: null };
  }

  private async plan(operation: Operation, { choice, allowFallback }: ResumeRequest): Promise<ResumePlan> {
    if (!statusesBefore('resume').includes(operation.status)) throw refusal(operation);
    const trained = operation.progress?.step ?? 0;
    const candidates = candidatesFor(await this.checkpoints.ofOperation(operation.id), choice);
    const [chosen] = candidates;
    if (!chosen) {
      if (trained > 0 || choice !== 'latest') throw noCheckpoint(operation, choice);
      return { operation, checkpoint: null, lostSteps: 0, fellBackFrom: null };
    }
    const badFiles = await this.damage(chosen);
    if (badFiles.length === 0)
      return { operation, checkpoint: chosen, lostSteps: lostSteps(trained, chosen.step), fellBackFrom: null };

    const fallback = await this.firstValid(candidates.slice(1));
    if (!fallback || !allowFallback) {
      throw new CheckpointCorruptedError({
        operationId: operation.id,
        checkpointId: chosen.id,
        badFiles,
        fallback: fallback ? { checkpointId: fallback.id, step: fallback.step, epoch: fallback.epoch } : null,
        lostSteps: fallback ? lostSteps(trained, fallback.step) : null,
      });
    }
    return {
      operation,
      checkpoint: fallback,
      lostSteps: lostSteps(trained, fallback.step),
      fellBackFrom: chosen.id,
    };
  }

  private async damage(checkpoint: Checkpoint): Promise<readonly BadFile[]> {
    const { badFiles } = await this.verifier.verify(checkpoint, 'quick');
    return badFiles;
  }

  private async firstValid(checkpoints: readonly Checkpoint[]): Promise<Checkpoint | null> {
    for (const checkpoint of checkpoints) {
      if ((await this.damage(checkpoint)).length === 0) return checkpoint;
    }
    return null;
  }
}

function refusal(operation: Operation): IllegalTransitionError {
  return new IllegalTransitionError({
    operationId: operation.id,
    status: operation.status,
    action: 'resume',
    allowedActions: allowedActions(operation.status),
  });
}

function noCheckpoint(operation: Operation, choice: string): NoCheckpointError {
  if (choice === 'best')
    return new NoCheckpointError(operation.id, choice, ['no checkpoint was saved at a best epoch']);
  if (choice !== 'latest')
    return new NoCheckpointError(operation.id, choice, ['this id is not a checkpoint of this operation']);
  return new NoCheckpointError(operation.id, choice, [
    'it stopped before its first checkpoint was committed',
    'it was cancelled with "discard" before its first checkpoint',
    'its checkpoints were deleted',
  ]);
}
