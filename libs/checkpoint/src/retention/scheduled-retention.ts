import type { Checkpoint, CheckpointRepository, OperationWithCheckpoints } from '@ktrdr/operations';
import type { ObjectStore } from '../ports.js';
import type { CleanUpCheckpoints } from './clean-up-checkpoints.js';
import { eraseCheckpoints } from './erase-objects.js';
import type { CheckpointGarbage } from './gc-ports.js';
import { ownLimits, planRetention } from './retention.js';

const OPERATIONS_AT_ONCE = 50;
const MARKED_AT_ONCE = 50;
const DAY_MS = 24 * 3_600_000;
/** Operations are warned this long before checkpoints expire. */
const WARN_BEFORE_DAYS = 3;
const WARN_BEFORE_MS = WARN_BEFORE_DAYS * DAY_MS;

/** Removes what an operation's own limits do not keep, and finishes what a crash left half deleted. */
export class RetireCheckpoints {
  /** Calls go round all operations, so those with many protected checkpoints do not block the others. */
  private afterId = '';

  constructor(
    private readonly garbage: CheckpointGarbage,
    private readonly checkpoints: Pick<CheckpointRepository, 'deleting'>,
    private readonly objects: ObjectStore,
  ) {}

  /** Marks the surplus of the next few operations and returns it. */
  async mark(): Promise<readonly Checkpoint[]> {
    const page = await this.garbage.beyondKeepLast({ afterId: this.afterId, limit: OPERATIONS_AT_ONCE });
    this.afterId = page.length === OPERATIONS_AT_ONCE ? (page.at(-1)?.operation.id ?? '') : '';
    const retired: Checkpoint[] = [];
    for (const found of page) {
      if (surplus(found).length === 0) continue;
      retired.push(...(await this.garbage.markDeleting(found.operation.id, surplus)));
    }
    return retired;
  }

  /** Erases what is marked, by whatever deletion. */
  async eraseMarked(signal: AbortSignal): Promise<void> {
    let marked: readonly Checkpoint[];
    do {
      marked = await this.checkpoints.deleting(MARKED_AT_ONCE);
      await eraseCheckpoints(this.objects, this.garbage, marked);
    } while (marked.length === MARKED_AT_ONCE && !signal.aborted);
  }
}

function surplus(found: OperationWithCheckpoints): readonly string[] {
  return planRetention(found, ownLimits(found.operation)).remove.map(({ checkpoint }) => checkpoint.id);
}

/**
 * Removes checkpoints older than `maxAgeMs` that nothing else keeps, three days after their operation was warned. The
 * three days also hold when a limit is set or lowered.
 */
export class ExpireCheckpoints {
  constructor(
    private readonly cleanUp: Pick<CleanUpCheckpoints, 'execute'>,
    private readonly garbage: CheckpointGarbage,
    private readonly maxAgeMs: number,
  ) {}

  /** @returns what expired. */
  async execute(now: Date): Promise<readonly Checkpoint[]> {
    const before = (earlierMs: number) => new Date(now.getTime() - Math.max(0, this.maxAgeMs - earlierMs));
    const expiring = await this.cleanUp.execute({ dryRun: true, createdBefore: before(WARN_BEFORE_MS) });
    const soon = expiring.removed.map(({ checkpoint }) => checkpoint);
    await this.garbage.forgetExpiryWarnings(soon.map(({ id }) => id));
    const byOperation = Map.groupBy(soon, ({ operationId }) => operationId);
    for (const [operationId, checkpoints] of byOperation) await this.warn(operationId, checkpoints);
    const { removed } = await this.cleanUp.execute({
      dryRun: false,
      createdBefore: before(0),
      among: await this.garbage.warnedOfExpiry(WARN_BEFORE_MS),
    });
    return removed.map(({ checkpoint }) => checkpoint);
  }

  private async warn(operationId: string, checkpoints: readonly Checkpoint[]): Promise<void> {
    const days = Math.round(this.maxAgeMs / DAY_MS);
    const message =
      `${checkpoints.length} of its checkpoints will be removed within ${WARN_BEFORE_DAYS} days for being older than ` +
      `${days} days; pin what must stay. The newest and the best stay`;
    const ids = checkpoints.map(({ id }) => id);
    await this.garbage.warnOfExpiry(operationId, ids, message);
  }
}
