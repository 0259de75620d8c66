import { type AskedChanges, type BackendChange, prepareOverride, type PreparedOverride } from '../spec/overrides.js';
import { assertTrainerAllowed, type SubmissionRules } from '../spec/requirements.js';
import { IllegalTransitionError } from '../model/errors.js';
import type { Checkpoint, Provenance } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';
import type { CheckpointRepository, CheckpointVerifier } from '../checkpoints/checkpoint-ports.js';
import type { Dispatcher, OperationStore } from '../ports.js';
import { allowedActions, statusesBefore } from '../model/transitions.js';
import { noCheckpoint, type Damage, verifiedChoice, type WantedCheckpoint } from '../checkpoints/verified-choice.js';

export interface ResumeRequest extends WantedCheckpoint {
  readonly operationId: string;
  readonly dryRun: boolean;
  readonly actor: string;
  readonly reason: string | null;
  /** What to change of the spec. */
  readonly changes: AskedChanges;
}

export interface ResumePlan {
  readonly operation: Operation;
  /** Its place in its pool's queue; null in a rehearsal and after a withdrawn pause: it does not wait. */
  readonly queuePosition: number | null;
  /** null: it never started, so it begins at step 0. */
  readonly checkpoint: Checkpoint | null;
  /** What the checkpoint's manifest says about where it comes from. */
  readonly provenance: Provenance | null;
  readonly lostSteps: number;
  readonly fellBackFrom: string | null;
  readonly changes: PreparedOverride['changes'];
  /** Null: it goes on under the backend that it trained on. */
  readonly backendChange: BackendChange | null;
}

type Verdict = Omit<ResumePlan, 'operation' | 'queuePosition' | 'changes' | 'backendChange'> & {
  readonly damaged: readonly Damage[];
};

/** try_resume: sends a stopped operation back to the workers from a verified checkpoint; a refusal changes nothing. */
export class ResumeOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly checkpoints: CheckpointRepository,
    private readonly verifier: CheckpointVerifier,
    private readonly dispatcher: Dispatcher,
    private readonly rules: SubmissionRules,
  ) {}

  /**
   * @throws {IllegalTransitionError} it is not resumable, or another caller was first
   * @throws {NoCheckpointError} it has trained but nothing is left to continue from
   * @throws {CheckpointCorruptedError} the chosen checkpoint is damaged and no fallback was allowed or found
   * @throws {TrainerNotAllowedError} for a program where the operator allows none
   * @throws {RequestInvalidError} @throws {SpecInvalidError} see {@link prepareOverride}
   */
  async execute(request: ResumeRequest): Promise<ResumePlan> {
    const { operation, checkpoints } = await this.operations.getWithCheckpoints(request.operationId);
    if (operation.status === 'pausing' && !request.dryRun) return this.withdrawPause(operation, request);
    const { damaged, ...verdict } = await this.plan(operation, checkpoints, request);
    assertTrainerAllowed(operation, this.rules);
    const override = prepareOverride(operation, verdict.checkpoint, request.changes);
    const { changes = [], backendChange = null } = override ?? {};
    const plan: ResumePlan = { operation, queuePosition: null, ...verdict, changes, backendChange };
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
        recoveryBudget: 'refill',
        position: plan.checkpoint ?? { step: 0, epoch: 0 },
        ...(plan.fellBackFrom ? { warning: fallbackWarning(plan, damaged) } : {}),
        ...(override && override.changes.length > 0
          ? { overrides: override.overrides, formerSpecSha256: override.formerSpecSha256 }
          : {}),
        ...(override?.backendChange ? { backendChange: override.backendChange } : {}),
      },
      details: {
        checkpoint_id: plan.checkpoint?.id ?? null,
        step: plan.checkpoint?.step ?? 0,
        lost_steps: plan.lostSteps,
        ...(plan.changes.length > 0 ? { overrides: plan.changes } : {}),
        ...(override?.backendChange?.isAllowed ? { allow_backend_change: true } : {}),
        ...(plan.fellBackFrom ? { fell_back_from: plan.fellBackFrom } : {}),
        ...(operation.error ? { previous_error: operation.error } : {}),
      },
    });
    if (outcome.kind === 'refused') throw refusal(outcome.operation);
    this.dispatcher.announce(outcome.operation);
    for (const { checkpoint, badFiles } of damaged) await this.checkpoints.markCorrupted(checkpoint.id, badFiles);
    return { ...plan, operation: outcome.operation, queuePosition: outcome.queuePosition };
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
    if (outcome.operation.workerId) this.dispatcher.hint(outcome.operation.workerId);
    const unchanged = { queuePosition: null, lostSteps: 0, fellBackFrom: null, changes: [], backendChange: null };
    return { operation: outcome.operation, checkpoint: null, provenance: null, ...unchanged };
  }

  private async plan(operation: Operation, committed: readonly Checkpoint[], request: ResumeRequest): Promise<Verdict> {
    const { choice, allowFallback } = request;
    if (!statusesBefore('resume').includes(operation.status)) throw refusal(operation);
    const trained = operation.progress?.step ?? 0;
    const found = await verifiedChoice(this.verifier, operation, committed, request);
    if (!found) {
      // Nothing was ever saved: it begins again where that loses nothing, or is accepted.
      const mayBeginAgain = trained === 0 || allowFallback;
      if (committed.length > 0 || choice !== 'latest' || !mayBeginAgain)
        throw noCheckpoint('resume from', operation, choice, committed);
      return { checkpoint: null, provenance: null, lostSteps: trained, fellBackFrom: null, damaged: [] };
    }
    return found;
  }
}

function fallbackWarning({ checkpoint, lostSteps: lost, fellBackFrom }: ResumePlan, damaged: readonly Damage[]) {
  const files = damaged[0]?.badFiles.map(({ name }) => name).join(', ');
  return {
    code: 'checkpoint-corrupted',
    message: `checkpoint ${fellBackFrom} is damaged (${files}); it continues from ${checkpoint?.id} at step ${checkpoint?.step}, which loses ${lost} steps`,
  };
}

function refusal(operation: Operation): IllegalTransitionError {
  return new IllegalTransitionError({
    operationId: operation.id,
    status: operation.status,
    action: 'resume',
    allowedActions: allowedActions(operation.status),
  });
}
