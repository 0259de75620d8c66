import type { CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import type { StoredCheckpoints } from '../platform/stored-checkpoints.js';

/** What was read is not read again before this, whether it was found right or damaged. */
const AGAIN_AFTER_MS = 24 * 3_600_000;

/**
 * Reads every byte of one checkpoint a turn, so that damage is found while older ones are still there, and that what
 * was put back counts again.
 */
export class CheckpointReverifier {
  constructor(
    private readonly collection: CheckpointGarbageStore,
    private readonly checkpoints: PrismaCheckpointRepository,
    private readonly stored: StoredCheckpoints,
    private readonly records: ServiceRecords,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    await this.records.alone('checkpoint-reverify', async () => {
      const checkpoint = await this.collection.dueForReading(AGAIN_AFTER_MS);
      if (!checkpoint) return;
      const { id, operationId } = checkpoint;
      const { badFiles } = await this.stored.verify(checkpoint, 'deep');
      if (badFiles.length > 0) {
        if (await this.checkpoints.markCorrupted(id, badFiles))
          this.log.warn({ operationId, checkpointId: id, badFiles }, 'checkpoint found damaged');
      } else if (await this.collection.markVerified(checkpoint)) {
        this.log.info({ operationId, checkpointId: id }, 'checkpoint found mended');
      }
    });
  }
}
