import {
  bestOf,
  type Checkpoint,
  finalOf,
  inOrder,
  inSavedOrder,
  isSettled,
  isSound,
  neededBy,
  type Operation,
  type OperationWithCheckpoints,
  partsOf,
} from '@ktrdr/operations';
import { RetentionSpec } from '@ktrdr/specs';

/** Limits on what an operation keeps. Each is enforced, whatever the others say. */
export interface RetentionLimits {
  /** How many valid checkpoints stay, counted from the newest. */
  readonly keepLast?: number;
  /** Older checkpoints go. */
  readonly createdBefore?: Date;
}

/** In order of strength: a checkpoint kept as `pinned` goes once it is unpinned. */
const KEEP_REASONS = [
  'result',
  'newest',
  'newest-valid',
  'needed',
  'best',
  'pinned',
  'in-use',
  'within-limits',
] as const;
/** `in-use`: its operation waits or runs, and its own limits keep it. `within-limits`: only the limits do. */
export type KeepReason = (typeof KEEP_REASONS)[number];
type RemoveReason = 'beyond-keep-last' | 'too-old' | 'over-total-bytes';

export interface KeptCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The strongest. */
  readonly reason: KeepReason;
}

export interface RemovedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly reason: RemoveReason;
}

export interface RetentionPlan {
  readonly keep: readonly KeptCheckpoint[];
  readonly remove: readonly RemovedCheckpoint[];
}

/** What the operation's overrides, else its spec, else the defaults say. */
export function ownLimits({ spec, overrides }: Pick<Operation, 'spec' | 'overrides'>) {
  const { keep_last: keepLast } = RetentionSpec.parse({ ...checkpointingIn(spec), ...checkpointingIn(overrides) });
  return { keepLast };
}

function checkpointingIn(document: unknown): object | undefined {
  return (document as { readonly checkpoint?: object } | null)?.checkpoint;
}

/**
 * Which of an operation's checkpoints go. The newest, the newest valid, the best, the pinned, those that a resume needs,
 * and the result always stay. Damaged ones do not count towards `keepLast`, so they cannot push out what still works.
 * While the operation waits or runs, its own limits protect what they keep, and age does not count.
 */
export function planRetention(
  { operation, checkpoints }: OperationWithCheckpoints,
  limits: RetentionLimits,
): RetentionPlan {
  const isActive = !isSettled(operation.status);
  const { keepLast = Infinity, createdBefore } = isActive ? activeLimits(operation, limits) : limits;
  const newestFirst = checkpoints.toSorted(inSavedOrder);
  const ordered = checkpoints.toSorted(inOrder);
  const valid = newestFirst.filter(isSound);
  const lastKept = valid[Math.max(keepLast, 1) - 1];
  const best = bestOf(ordered);
  const result = operation.status === 'completed' ? finalOf(ordered) : undefined;
  const needed = neededBy(operation, ordered);
  const keep: KeptCheckpoint[] = [];
  const remove: RemovedCheckpoint[] = [];
  for (const checkpoint of newestFirst) {
    const isAmongLast = lastKept === undefined || inSavedOrder(checkpoint, lastKept) <= 0;
    const isWithinLimits = isAmongLast && !(createdBefore !== undefined && checkpoint.createdAt < createdBefore);
    const conditions: Record<KeepReason, boolean> = {
      result: checkpoint === result,
      newest: checkpoint === newestFirst[0],
      'newest-valid': checkpoint === valid[0],
      needed: needed.has(checkpoint.id),
      best: checkpoint === best,
      pinned: checkpoint.pinned,
      'in-use': isWithinLimits && isActive,
      'within-limits': isWithinLimits,
    };
    const reason = KEEP_REASONS.find((candidate) => conditions[candidate]);
    if (reason) keep.push({ checkpoint, reason });
    else remove.push({ checkpoint, reason: isAmongLast ? 'too-old' : 'beyond-keep-last' });
  }
  return { keep, remove };
}

function activeLimits(operation: Operation, { keepLast }: RetentionLimits): RetentionLimits {
  return keepLast === undefined ? {} : { keepLast: Math.max(keepLast, ownLimits(operation).keepLast) };
}

/** Bytes of all blobs together, each counted once. */
export function totalBytes(checkpoints: readonly Checkpoint[]): number {
  const bytesOf = new Map(checkpoints.flatMap((checkpoint) => [...blobsOf(checkpoint)]));
  return [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Which of the checkpoints kept `within-limits` go, oldest first, until all blobs together take at most `maxBytes`. One
 * that frees nothing, because others share its blobs, may go with them.
 */
export function beyondTotalBytes(kept: readonly KeptCheckpoint[], maxBytes: number): readonly Checkpoint[] {
  const users = new Map<string, number>();
  let total = totalBytes(kept.map(({ checkpoint }) => checkpoint));
  for (const { checkpoint } of kept)
    for (const blob of blobsOf(checkpoint).keys()) users.set(blob, (users.get(blob) ?? 0) + 1);
  const oldestFirst = kept
    .filter(({ reason }) => reason === 'within-limits')
    .map(({ checkpoint }) => checkpoint)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
  const gone: Checkpoint[] = [];
  for (const checkpoint of oldestFirst) {
    if (total <= maxBytes) break;
    gone.push(checkpoint);
    for (const [blob, bytes] of blobsOf(checkpoint)) {
      const left = (users.get(blob) ?? 1) - 1;
      users.set(blob, left);
      if (left === 0) total -= bytes;
    }
  }
  return gone;
}

/** Bytes by blob, each blob once. */
function blobsOf({ files }: Checkpoint): ReadonlyMap<string, number> {
  return new Map(files.flatMap(partsOf).map(({ blob, bytes }) => [blob, bytes]));
}
