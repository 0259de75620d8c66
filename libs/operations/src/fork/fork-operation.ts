import type { SubmissionRules } from '../spec/requirements.js';
import { type ForkedOperation, toForkDraft } from './fork-draft.js';
import { type CheckpointChoice, type Checkpoint, type Provenance } from '../model/checkpoint.js';
import { CheckpointCorruptedError } from '../model/errors.js';
import { type CheckpointAdopter, type ForkDraft, type ForkStore, INHERITED_ATTEMPT } from './fork-ports.js';
import type { Operation } from '../model/operation.js';
import type { CheckpointRepository, CheckpointVerifier } from '../checkpoints/checkpoint-ports.js';
import type { Dispatcher, OperationStore } from '../ports.js';
import { noCheckpoint, verifiedChoice } from '../checkpoints/verified-choice.js';

export interface ForkRequest extends ForkedOperation {
  readonly operationId: string;
  readonly choice: CheckpointChoice;
  readonly allowFallback: boolean;
  readonly dryRun: boolean;
  /** For the fork's own row of the checkpoint. */
  readonly newCheckpointId: () => string;
}

export interface ForkPlan {
  readonly origin: Operation;
  readonly checkpoint: Checkpoint;
  readonly provenance: Provenance | null;
  readonly lostSteps: number;
  readonly draft: Omit<ForkDraft, 'checkpoint'>;
  /** Null in a dry run. */
  readonly fork: Operation | null;
}

/** A checkpoint that goes while it is being forked is chosen anew; one that is named is then not found. */
const TRIES = 3;

/**
 * Makes a new operation that continues from a verified checkpoint of another one, whatever that one's status. The fork
 * has a checkpoint row of its own from the first moment, which names the same blobs, so nothing that happens to its
 * origin can take from it what it needs.
 */
export class ForkOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly forks: ForkStore,
    private readonly checkpoints: CheckpointRepository,
    private readonly stored: CheckpointVerifier & CheckpointAdopter,
    private readonly dispatcher: Dispatcher,
    private readonly rules: SubmissionRules,
  ) {}

  /**
   * @throws {OperationNotFoundError}
   * @throws {NoCheckpointError} there is nothing to fork from
   * @throws {CheckpointCorruptedError} the chosen checkpoint is damaged and no fallback was allowed or found
   */
  async execute(request: ForkRequest): Promise<ForkPlan> {
    for (let tries = 1; ; tries += 1) {
      const plan = await this.plan(request);
      if (request.dryRun) return plan;
      const fork = await this.carryOut(plan, request.newCheckpointId());
      if (fork) return { ...plan, fork };
      if (tries >= TRIES) throw noCheckpoint('fork from', plan.origin, request.choice, []);
    }
  }

  private async plan(request: ForkRequest): Promise<ForkPlan> {
    const origin = await this.operations.get(request.operationId);
    const committed = await this.checkpoints.ofOperation(origin.id);
    const found = await verifiedChoice(this.stored, origin, committed, { ...request, depth: 'quick' });
    if (!found) throw noCheckpoint('fork from', origin, request.choice, committed);
    const { checkpoint, provenance, lostSteps, damaged } = found;
    const draft = toForkDraft(origin, found, request, this.rules);
    if (!request.dryRun)
      for (const each of damaged) await this.checkpoints.markCorrupted(each.checkpoint.id, each.badFiles);
    return { origin, checkpoint, provenance, lostSteps, draft, fork: null };
  }

  /** Null: the checkpoint is being deleted, or its operation is gone. */
  private async carryOut({ checkpoint, draft }: ForkPlan, ownId: string): Promise<Operation | null> {
    const manifest = await this.stored.adopt(checkpoint, { operationId: draft.id, checkpointId: ownId });
    const own: Checkpoint = {
      ...checkpoint,
      ...manifest,
      id: ownId,
      operationId: draft.id,
      attempt: INHERITED_ATTEMPT,
      seq: 0,
      parentId: checkpoint.id,
      uploadedBytes: 0,
    };
    const outcome = await this.forks.fork({ ...draft, checkpoint: own }, () => this.assertWhole(own, checkpoint));
    if (outcome.kind === 'gone') return null;
    if (outcome.isNew) this.dispatcher.announce(outcome.operation);
    return outcome.operation;
  }

  /** Asked while nothing can be collected: what is whole now stays so. */
  private async assertWhole(own: Checkpoint, { id, operationId }: Checkpoint): Promise<void> {
    const { badFiles } = await this.stored.verify(own, 'quick');
    if (badFiles.length > 0)
      throw new CheckpointCorruptedError({ operationId, checkpointId: id, badFiles, fallback: null, lostSteps: null });
  }
}
