import { lossWithout } from '../checkpoints/latest.js';
import { IllegalTransitionError } from '../model/errors.js';
import type { Checkpoint } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';
import type { CheckpointRepository } from '../checkpoints/checkpoint-ports.js';
import type { OperationStore } from '../ports.js';
import { allowedActions } from '../model/transitions.js';

/** Removes a checkpoint's manifest, and those of its blobs that no row names any more. */
export interface CheckpointEraser {
  erase(checkpoint: Checkpoint): Promise<void>;
}

/** Deletes a settled or paused operation with its checkpoints. */
export class DeleteOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly checkpoints: CheckpointRepository,
    private readonly eraser: CheckpointEraser,
  ) {}

  /** @throws {OperationNotFoundError} @throws {IllegalTransitionError} while it is waiting or running */
  async execute(operationId: string): Promise<void> {
    await this.operations.get(operationId);
    const checkpoints = await this.checkpoints.ofOperation(operationId);
    if (!(await this.operations.remove(operationId))) {
      const { status } = await this.operations.get(operationId);
      throw new IllegalTransitionError({
        operationId,
        status,
        action: 'delete',
        allowedActions: allowedActions(status),
      });
    }
    // The rows are gone, so nothing can name these bytes any more; what a crash leaves here is an orphan for the sweep.
    for (const checkpoint of checkpoints) await this.eraser.erase(checkpoint);
  }
}

/** Why a resume of the operation needs it; null: it does not. */
function whyNeeded(id: string, { id: operationId, status }: Operation, siblings: readonly Checkpoint[]): string | null {
  if (!['paused', 'resuming', 'cancelled', 'failed', 'queued'].includes(status)) return null;
  const loss = lossWithout(id, siblings);
  if (loss === null) return null;
  const of = `${status} operation ${operationId}`;
  if (loss === 'everything') return `it is the only one that ${of} can resume from; force deletes it all the same`;
  return (
    `it is the one that ${of} falls back to, as newer ones are damaged, and the next is ${loss.steps} ` +
    `${loss.steps === 1 ? 'step' : 'steps'} older; force deletes it all the same`
  );
}

/** Deletes one checkpoint in two phases: the row is marked, the objects go, then the row. */
export class DeleteCheckpoint {
  constructor(
    private readonly checkpoints: Pick<CheckpointRepository, 'get' | 'markDeleting' | 'removeRow'>,
    private readonly eraser: CheckpointEraser,
  ) {}

  /** @throws {CheckpointNotFoundError} @throws {CheckpointInUseError} when an operation needs it */
  async execute(checkpointId: string, { force }: { readonly force: boolean }): Promise<void> {
    const checkpoint = await this.checkpoints.get(checkpointId);
    await this.checkpoints.markDeleting(checkpointId, (operation, siblings) => {
      if (siblings.find(({ id }) => id === checkpointId)?.pinned) return 'it is pinned; unpin it first';
      if (['running', 'pausing', 'cancelling'].includes(operation.status))
        return `its operation is ${operation.status}; its worker may need it`;
      if (operation.resumeCheckpointId === checkpointId && ['paused', 'resuming'].includes(operation.status))
        return `operation ${operation.id} is ${operation.status} and continues from it`;
      return force ? null : whyNeeded(checkpointId, operation, siblings);
    });
    await this.finish(checkpoint);
  }

  /** The second phase, for rows that a crash left marked. */
  async finish(checkpoint: Checkpoint): Promise<void> {
    await this.eraser.erase(checkpoint);
    await this.checkpoints.removeRow(checkpoint.id);
  }
}
