import { ownKeepLast, planOperationRetention } from '@ktrdr/checkpoint';
import type { Checkpoint } from '@ktrdr/operations';
import type {
  OperationWithCheckpoints,
  CheckpointGarbageStore,
  PrismaCheckpointRepository,
} from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import type { StoredCheckpoints } from '../platform/stored-checkpoints.js';

const OPERATIONS_A_TURN = 50;
const ERASED_AT_ONCE = 50;

/** Lets go of what an operation's own `keep_last` no longer keeps, and finishes whatever a crash left half deleted. */
export class CheckpointRetention {
  /** Turns go round: who keeps more than its number for good reasons does not stand in the way of the others. */
  private afterId = '';

  constructor(
    private readonly collection: CheckpointGarbageStore,
    private readonly checkpoints: PrismaCheckpointRepository,
    private readonly stored: StoredCheckpoints,
    private readonly log: Logger,
  ) {}

  async turn(signal: AbortSignal): Promise<void> {
    const page = await this.collection.beyondKeepLast({ afterId: this.afterId, limit: OPERATIONS_A_TURN });
    this.afterId = page.length === OPERATIONS_A_TURN ? (page.at(-1)?.operation.id ?? '') : '';
    for (const found of page) {
      if (surplus(found).length === 0) continue;
      const marked = await this.collection.markDeleting(found.operation.id, surplus);
      await this.erase(marked);
      for (const { id, operationId, step } of marked)
        this.log.info({ operationId, checkpointId: id, step }, 'checkpoint retired');
    }
    await this.finish(signal);
  }

  private async finish(signal: AbortSignal): Promise<void> {
    let marked: readonly Checkpoint[];
    do {
      marked = await this.checkpoints.deleting(ERASED_AT_ONCE);
      await this.erase(marked);
    } while (marked.length === ERASED_AT_ONCE && !signal.aborted);
  }

  private async erase(checkpoints: readonly Checkpoint[]): Promise<void> {
    if (checkpoints.length === 0) return;
    await this.stored.eraseAll(checkpoints);
    await this.collection.removeRows(checkpoints.map(({ id }) => id));
  }
}

function surplus(found: OperationWithCheckpoints): readonly string[] {
  const { remove } = planOperationRetention(found, { keepLast: ownKeepLast(found.operation) });
  return remove.map(({ checkpoint }) => checkpoint.id);
}
