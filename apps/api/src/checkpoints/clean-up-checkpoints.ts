import {
  beyondTotalBytes,
  mainReason,
  planOperationRetention,
  type RemoveReason,
  type RetentionLimits,
  type SizedCheckpoint,
  toSized,
  totalBytes,
} from '@ktrdr/checkpoint';
import type { Checkpoint } from '@ktrdr/operations';
import type { OperationWithCheckpoints, CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import type { StoredCheckpoints } from '../platform/stored-checkpoints.js';

const OPERATIONS_AT_ONCE = 100;
const ERASED_AT_ONCE = 50;

export interface CleanupRequest extends RetentionLimits {
  /** All blobs together, each once; of one operation when one is named. */
  readonly maxTotalBytes?: number;
  readonly operationId?: string;
  /** Nothing but these may go. */
  readonly among?: ReadonlySet<string>;
  readonly dryRun: boolean;
}

export interface RemovedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly reason: RemoveReason;
}

export interface CleanedUp {
  readonly removed: readonly RemovedCheckpoint[];
  /** How many stay, each counted once, by the first reason that speaks for it. */
  readonly keptReasons: ReadonlyMap<string, number>;
  readonly freedBytes: number;
  /** What is left takes more than was to be kept, as all of it is protected; null: it does not, or there is no limit. */
  readonly overLimit: OverLimit | null;
}

interface OverLimit {
  readonly maxTotalBytes: number;
  readonly leftBytes: number;
}

interface Plan {
  readonly removed: RemovedCheckpoint[];
  readonly keptReasons: Map<string, number>;
  /** What stays, where a limit of bytes has to be kept, and what of it need not. */
  readonly sized: SizedCheckpoint[];
  readonly expendable: Map<string, Checkpoint>;
}

/**
 * Lets go of the checkpoints that the limits do not keep, in two phases: all rows are marked, each decided again under
 * its operation's lock; then the objects and the rows go. What a crash leaves marked, the retention loop finishes.
 */
export class CleanUpCheckpoints {
  constructor(
    private readonly collection: CheckpointGarbageStore,
    private readonly stored: StoredCheckpoints,
  ) {}

  async execute(request: CleanupRequest): Promise<CleanedUp> {
    const { removed, keptReasons, sized, expendable } = await this.plan(request);
    const overTotal = beyondTotalBytes(sized, request.maxTotalBytes ?? Infinity)
      .flatMap((id) => expendable.get(id) ?? [])
      .map((checkpoint) => ({ checkpoint, reason: 'over-total-bytes' as const }));
    const planned = [...removed, ...overTotal].filter(({ checkpoint }) => request.among?.has(checkpoint.id) ?? true);
    const gone = request.dryRun ? planned : await this.mark(request, planned);
    subtract(keptReasons, 'within-limits', gone.filter(({ reason }) => reason === 'over-total-bytes').length);
    const freedBytes = await this.collection.bytesFreedBy(gone.map(({ checkpoint }) => checkpoint.id));
    if (!request.dryRun) await this.erase(gone.map(({ checkpoint }) => checkpoint));
    return { removed: gone, keptReasons, freedBytes, overLimit: overLimitOf(request, sized, gone) };
  }

  private async plan(request: CleanupRequest): Promise<Plan> {
    const plan: Plan = { removed: [], keptReasons: new Map(), sized: [], expendable: new Map() };
    for await (const found of this.operations(request)) {
      const { keep, remove } = planOperationRetention(found, request);
      plan.removed.push(...remove);
      for (const { checkpoint, reasons } of keep) {
        const reason = mainReason(found.operation, reasons);
        plan.keptReasons.set(reason, (plan.keptReasons.get(reason) ?? 0) + 1);
        if (request.maxTotalBytes === undefined) continue;
        const mayGo = reason === 'within-limits';
        plan.sized.push(toSized(checkpoint, mayGo));
        if (mayGo) plan.expendable.set(checkpoint.id, checkpoint);
      }
    }
    return plan;
  }

  private async *operations({ operationId }: CleanupRequest): AsyncIterable<OperationWithCheckpoints> {
    if (operationId !== undefined) {
      const found = await this.collection.ofOperation(operationId);
      if (found) yield found;
      return;
    }
    let afterId: string | undefined = '';
    while (afterId !== undefined) {
      const page: readonly OperationWithCheckpoints[] = await this.collection.withCheckpoints({
        afterId,
        limit: OPERATIONS_AT_ONCE,
      });
      yield* page;
      afterId = page.length === OPERATIONS_AT_ONCE ? page.at(-1)?.operation.id : undefined;
    }
  }

  /** What of the plan still holds when its operation is locked. */
  private async mark(limits: RetentionLimits, planned: readonly RemovedCheckpoint[]): Promise<RemovedCheckpoint[]> {
    const marked: RemovedCheckpoint[] = [];
    const byOperation = Map.groupBy(planned, ({ checkpoint }) => checkpoint.operationId);
    for (const [operationId, entries] of byOperation) {
      const reasons = new Map(entries.map(({ checkpoint, reason }) => [checkpoint.id, reason]));
      const gone = await this.collection.markDeleting(operationId, (found) => {
        const { keep, remove } = planOperationRetention(found, limits);
        const expendable = keep.filter(
          ({ checkpoint, reasons: why }) =>
            reasons.get(checkpoint.id) === 'over-total-bytes' && mainReason(found.operation, why) === 'within-limits',
        );
        return [...remove, ...expendable].map(({ checkpoint }) => checkpoint.id).filter((id) => reasons.has(id));
      });
      marked.push(...gone.map((checkpoint) => ({ checkpoint, reason: reasons.get(checkpoint.id) ?? 'too-old' })));
    }
    return marked;
  }

  private async erase(checkpoints: readonly Checkpoint[]): Promise<void> {
    for (let start = 0; start < checkpoints.length; start += ERASED_AT_ONCE) {
      const batch = checkpoints.slice(start, start + ERASED_AT_ONCE);
      await this.stored.eraseAll(batch);
      await this.collection.removeRows(batch.map(({ id }) => id));
    }
  }
}

function overLimitOf(
  { maxTotalBytes = Infinity }: CleanupRequest,
  sized: readonly SizedCheckpoint[],
  gone: readonly RemovedCheckpoint[],
): OverLimit | null {
  const ids = new Set(gone.map(({ checkpoint }) => checkpoint.id));
  const leftBytes = totalBytes(sized.filter(({ id }) => !ids.has(id)));
  return leftBytes > maxTotalBytes ? { maxTotalBytes, leftBytes } : null;
}

function subtract(counts: Map<string, number>, name: string, amount: number): void {
  const left = (counts.get(name) ?? 0) - amount;
  if (left > 0) counts.set(name, left);
  else counts.delete(name);
}
