import type { Checkpoint, OperationWithCheckpoints } from '@ktrdr/operations';
import type { ObjectStore } from '../ports.js';
import { eraseCheckpoints } from './erase-objects.js';
import type { CheckpointGarbage } from './gc-ports.js';
import {
  beyondTotalBytes,
  type KeepReason,
  type KeptCheckpoint,
  planRetention,
  type RemovedCheckpoint,
  type RetentionLimits,
  totalBytes,
} from './retention.js';

const OPERATIONS_AT_ONCE = 100;

export interface CleanupRequest extends RetentionLimits {
  /** Of all blobs together, each counted once. */
  readonly maxTotalBytes?: number;
  /** Cleans up this operation only. */
  readonly operationId?: string;
  /** Only these may go. */
  readonly among?: ReadonlySet<string>;
  readonly dryRun: boolean;
}

export interface CleanedUp {
  readonly removed: readonly RemovedCheckpoint[];
  /** How many stay, by the strongest reason. */
  readonly keptReasons: ReadonlyMap<KeepReason, number>;
  readonly freedBytes: number;
  /** Set when protected checkpoints take more than `maxTotalBytes`. */
  readonly overLimit: { readonly maxTotalBytes: number; readonly leftBytes: number } | null;
}

interface CleanupPlan {
  readonly remove: readonly RemovedCheckpoint[];
  readonly keptReasons: Map<KeepReason, number>;
  /** Empty without a limit of bytes. */
  readonly kept: readonly KeptCheckpoint[];
}

/**
 * Removes the checkpoints beyond the limits, in two phases: marks the rows, each decided again under its operation's
 * lock, then erases objects and rows. After a crash `RetireCheckpoints` finishes what is marked.
 */
export class CleanUpCheckpoints {
  constructor(
    private readonly garbage: CheckpointGarbage,
    private readonly objects: ObjectStore,
  ) {}

  async execute(request: CleanupRequest): Promise<CleanedUp> {
    const { remove, keptReasons, kept } = await this.plan(request);
    const overTotal = beyondTotalBytes(kept, request.maxTotalBytes ?? Infinity).map((checkpoint) => ({
      checkpoint,
      reason: 'over-total-bytes' as const,
    }));
    const planned = [...remove, ...overTotal].filter(({ checkpoint }) => request.among?.has(checkpoint.id) ?? true);
    const removed = request.dryRun ? planned : await this.mark(request, planned);
    const expended = removed.filter(({ reason }) => reason === 'over-total-bytes').length;
    count(keptReasons, 'within-limits', -expended);
    const gone = removed.map(({ checkpoint }) => checkpoint);
    const freedBytes = await this.garbage.bytesFreedBy(gone.map(({ id }) => id));
    if (!request.dryRun) await eraseCheckpoints(this.objects, this.garbage, gone);
    return { removed, keptReasons, freedBytes, overLimit: overLimitOf(request, kept, gone) };
  }

  private async plan(request: CleanupRequest): Promise<CleanupPlan> {
    const removed: RemovedCheckpoint[] = [];
    const kept: KeptCheckpoint[] = [];
    const keptReasons = new Map<KeepReason, number>();
    for await (const found of this.operations(request)) {
      const { keep, remove } = planRetention(found, request);
      removed.push(...remove);
      for (const { reason } of keep) count(keptReasons, reason, 1);
      if (request.maxTotalBytes !== undefined) kept.push(...keep);
    }
    return { remove: removed, keptReasons, kept };
  }

  private async *operations({ operationId }: CleanupRequest): AsyncIterable<OperationWithCheckpoints> {
    if (operationId !== undefined) {
      const found = await this.garbage.ofOperation(operationId);
      if (found) yield found;
      return;
    }
    let afterId: string | undefined = '';
    while (afterId !== undefined) {
      const page: readonly OperationWithCheckpoints[] = await this.garbage.withCheckpoints({
        afterId,
        limit: OPERATIONS_AT_ONCE,
      });
      yield* page;
      afterId = page.length === OPERATIONS_AT_ONCE ? page.at(-1)?.operation.id : undefined;
    }
  }

  /** Marks what of the plan still holds once its operation is locked. */
  private async mark(limits: RetentionLimits, planned: readonly RemovedCheckpoint[]): Promise<RemovedCheckpoint[]> {
    const marked: RemovedCheckpoint[] = [];
    const byOperation = Map.groupBy(planned, ({ checkpoint }) => checkpoint.operationId);
    for (const [operationId, entries] of byOperation) {
      const reasons = new Map(entries.map(({ checkpoint, reason }) => [checkpoint.id, reason]));
      const gone = await this.garbage.markDeleting(operationId, (found) => {
        const { keep, remove } = planRetention(found, limits);
        const expendable = keep.filter(
          ({ checkpoint, reason }) => reason === 'within-limits' && reasons.get(checkpoint.id) === 'over-total-bytes',
        );
        return [...remove, ...expendable].map(({ checkpoint }) => checkpoint.id).filter((id) => reasons.has(id));
      });
      marked.push(...gone.map((checkpoint) => ({ checkpoint, reason: reasons.get(checkpoint.id) ?? 'too-old' })));
    }
    return marked;
  }
}

function overLimitOf(
  { maxTotalBytes = Infinity }: CleanupRequest,
  kept: readonly KeptCheckpoint[],
  gone: readonly Checkpoint[],
): CleanedUp['overLimit'] {
  const ids = new Set(gone.map(({ id }) => id));
  const left = kept.map(({ checkpoint }) => checkpoint).filter(({ id }) => !ids.has(id));
  const leftBytes = totalBytes(left);
  return leftBytes > maxTotalBytes ? { maxTotalBytes, leftBytes } : null;
}

function count(counts: Map<KeepReason, number>, reason: KeepReason, change: number): void {
  const sum = (counts.get(reason) ?? 0) + change;
  if (sum > 0) counts.set(reason, sum);
  else counts.delete(reason);
}
