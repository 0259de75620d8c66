import type { VerifiedChoice } from '../checkpoints/verified-choice.js';
import type { BestSoFar, ForkOrigin, Operation, Progress } from '../model/operation.js';
import type { Checkpoint, CheckpointDraft } from '../model/checkpoint.js';
import type { OperationDraft } from '../ports.js';

/** An operation that continues from another one's checkpoint. */
export interface ForkDraft extends OperationDraft {
  readonly origin: ForkOrigin;
  /** Hashes of the specs that the checkpoint may have been trained under. */
  readonly formerSpecSha256: readonly string[];
  readonly pinnedBackend: string | null;
  readonly backendChangeAllowed: boolean;
  readonly progress: Progress;
  readonly best: BestSoFar | null;
  /** The fork's own row of it. */
  readonly checkpoint: CheckpointDraft;
}

/** `gone`: the checkpoint is being deleted, or its operation is gone. */
export type ForkOutcome =
  { readonly kind: 'forked'; readonly operation: Operation; readonly isNew: boolean } | { readonly kind: 'gone' };

export interface ForkStore {
  /**
   * Stores the fork with its checkpoint and an event of both operations, in one transaction. `assertStored` runs
   * while no blob can be collected, and throws when one is missing; then the origin's row is locked.
   * Idempotent by `submissionKey`.
   */
  fork(draft: ForkDraft, assertStored: () => Promise<void>): Promise<ForkOutcome>;
}

/** Gives a checkpoint to another operation: a manifest of its own, the same blobs. */
export interface CheckpointAdopter {
  adopt(
    checkpoint: Checkpoint,
    by: { readonly operationId: string; readonly checkpointId: string },
  ): Promise<{ readonly manifestKey: string; readonly manifestSha256: string }>;
}

/** Before an operation's first attempt: what it was given rather than saved itself. */
export const INHERITED_ATTEMPT = 0;

/** Where a fork begins. */
export type ForkChoice = Pick<VerifiedChoice, 'checkpoint' | 'provenance' | 'fellBackFrom'>;
