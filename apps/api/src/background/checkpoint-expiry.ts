import type { PrismaCheckpointCollection } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import type { CleanUpCheckpoints } from '../checkpoints/clean-up-checkpoints.js';

const DAY_MS = 24 * 3_600_000;
/** So long before checkpoints go for their age, their operation says so. */
const WARN_BEFORE_DAYS = 3;

/** Lets checkpoints go when they are too old and nothing else keeps them, after a warning on their operation. */
export class CheckpointExpiry {
  constructor(
    private readonly cleanUp: CleanUpCheckpoints,
    private readonly collection: PrismaCheckpointCollection,
    private readonly maxAgeMs: number,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    const { removed } = await this.cleanUp.execute({ dryRun: false, createdBefore: this.before(0) });
    for (const { checkpoint } of removed)
      this.log.info({ operationId: checkpoint.operationId, checkpointId: checkpoint.id }, 'checkpoint expired');
    const soon = await this.cleanUp.execute({ dryRun: true, createdBefore: this.before(WARN_BEFORE_DAYS * DAY_MS) });
    const byOperation = Map.groupBy(soon.removed, ({ checkpoint }) => checkpoint.operationId);
    for (const [operationId, entries] of byOperation) {
      const days = Math.round(this.maxAgeMs / DAY_MS);
      const message =
        `${entries.length} of its checkpoints will be removed within ${WARN_BEFORE_DAYS} days for being older than ` +
        `${days} days; pin what must stay. The newest and the best stay`;
      await this.collection.warnOfExpiry(operationId, message);
    }
  }

  private before(earlierMs: number): Date {
    return new Date(Date.now() - Math.max(0, this.maxAgeMs - earlierMs));
  }
}
