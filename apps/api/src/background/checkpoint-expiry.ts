import type { CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';
import type { CleanUpCheckpoints, RemovedCheckpoint } from '../checkpoints/clean-up-checkpoints.js';

const DAY_MS = 24 * 3_600_000;
/** So long before checkpoints go for their age, their operation says so. */
const WARN_BEFORE_DAYS = 3;
const WARN_BEFORE_MS = WARN_BEFORE_DAYS * DAY_MS;

/**
 * Lets checkpoints go when they are too old and nothing else keeps them, and when their operation was warned of it three
 * days before. However old they are already when a limit is set or lowered, they have that time.
 */
export class CheckpointExpiry {
  constructor(
    private readonly cleanUp: CleanUpCheckpoints,
    private readonly collection: CheckpointGarbageStore,
    private readonly maxAgeMs: number,
    private readonly log: Pick<Logger, 'info'>,
  ) {}

  async turn(): Promise<void> {
    const soon = await this.cleanUp.execute({ dryRun: true, createdBefore: this.before(WARN_BEFORE_MS) });
    await this.collection.forgetExpiryWarnings(soon.removed.map(({ checkpoint }) => checkpoint.id));
    const byOperation = Map.groupBy(soon.removed, ({ checkpoint }) => checkpoint.operationId);
    for (const [operationId, entries] of byOperation) await this.warn(operationId, entries);
    const { removed } = await this.cleanUp.execute({
      dryRun: false,
      createdBefore: this.before(0),
      among: await this.collection.warnedOfExpiry(WARN_BEFORE_MS),
    });
    for (const { checkpoint } of removed)
      this.log.info({ operationId: checkpoint.operationId, checkpointId: checkpoint.id }, 'checkpoint expired');
  }

  private async warn(operationId: string, entries: readonly RemovedCheckpoint[]): Promise<void> {
    const days = Math.round(this.maxAgeMs / DAY_MS);
    const message =
      `${entries.length} of its checkpoints will be removed within ${WARN_BEFORE_DAYS} days for being older than ` +
      `${days} days; pin what must stay. The newest and the best stay`;
    const ids = entries.map(({ checkpoint }) => checkpoint.id);
    await this.collection.warnOfExpiry(operationId, ids, message);
  }

  private before(earlierMs: number): Date {
    return new Date(Date.now() - Math.max(0, this.maxAgeMs - earlierMs));
  }
}
