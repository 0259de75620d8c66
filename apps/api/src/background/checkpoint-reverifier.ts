import type { PrismaCheckpointCollection, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import type { StoredCheckpoints } from '../platform/stored-checkpoints.js';

/** What was found right is not read again before this. */
const AGAIN_AFTER_MS = 24 * 3_600_000;

/** Reads every byte of one checkpoint a turn, so that damage is found while older ones are still there. */
export class CheckpointReverifier {
  constructor(
    private readonly collection: PrismaCheckpointCollection,
    private readonly checkpoints: PrismaCheckpointRepository,
    private readonly stored: StoredCheckpoints,
    private readonly records: ServiceRecords,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    await this.records.alone('checkpoint-reverify', async () => {
      const checkpoint = await this.collection.leastVerified();
      if (!checkpoint || Date.now() - (checkpoint.verifiedAt?.getTime() ?? 0) < AGAIN_AFTER_MS) return;
      const { id, operationId } = checkpoint;
      const { badFiles } = await this.stored.verify(checkpoint, 'deep');
      if (badFiles.length === 0) await this.collection.markVerified(id);
      else if (await this.checkpoints.markCorrupted(id, badFiles))
        this.log.warn({ operationId, checkpointId: id, badFiles }, 'checkpoint found damaged');
    });
  }
}
