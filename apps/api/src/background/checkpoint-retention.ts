import { planRetention, type RetainableCheckpoint } from '@ktrdr/checkpoint';
import {
  type Checkpoint,
  CheckpointInUseError,
  CheckpointNotFoundError,
  type DeleteCheckpoint,
  type Operation,
} from '@ktrdr/operations';
import type { PrismaCheckpointRepository } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';

const OPERATIONS_A_TURN = 50;
const DEFAULT_KEEP_LAST = 3;

/** Lets go of what an operation's own policy no longer keeps, decided under the lock that every transition takes. */
export class CheckpointRetention {
  constructor(
    private readonly checkpoints: PrismaCheckpointRepository,
    private readonly deletion: DeleteCheckpoint,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    for (const { operation, checkpoints } of await this.checkpoints.beyondKeepLast(
      OPERATIONS_A_TURN,
      DEFAULT_KEEP_LAST,
    )) {
      for (const id of surplus(operation, checkpoints)) await this.remove(id);
    }
    for (const checkpoint of await this.checkpoints.deleting(OPERATIONS_A_TURN)) await this.deletion.finish(checkpoint);
  }

  private async remove(id: string): Promise<void> {
    const checkpoint = await this.checkpoints.get(id);
    try {
      await this.checkpoints.markDeleting(id, (operation, siblings) =>
        surplus(operation, siblings).includes(id) ? null : 'the policy keeps it',
      );
    } catch (error) {
      // Between the plan and the lock something changed: the next turn sees it as it is.
      if (error instanceof CheckpointInUseError || error instanceof CheckpointNotFoundError) return;
      throw error;
    }
    await this.deletion.finish(checkpoint);
    this.log.info(
      { operationId: checkpoint.operationId, checkpointId: id, step: checkpoint.step },
      'checkpoint retired',
    );
  }
}

/** Ids that the operation's `keep_last` lets go. The one it continues from is needed, whatever its age. */
export function surplus(operation: Operation, checkpoints: readonly Checkpoint[]): readonly string[] {
  const { checkpoint: policy } = operation.spec as { checkpoint?: { keep_last?: unknown } };
  const keepLast = typeof policy?.keep_last === 'number' ? policy.keep_last : DEFAULT_KEEP_LAST;
  const best = checkpoints.find(({ isBest }) => isBest);
  const retainable = checkpoints.map((checkpoint): RetainableCheckpoint => ({
    ...checkpoint,
    isBest: checkpoint === best,
    valid: checkpoint.corruptedAt === null,
  }));
  const needed = new Set(operation.resumeCheckpointId === null ? [] : [operation.resumeCheckpointId]);
  return planRetention(retainable, { keepLast }, needed).remove.map(({ id }) => id);
}
