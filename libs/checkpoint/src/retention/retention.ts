/** What the rules need to know about a checkpoint. */
export interface RetainableCheckpoint {
  readonly id: string;
  /** The fencing token under which it was saved. */
  readonly attempt: number;
  /** Rises within an attempt. */
  readonly seq: number;
  readonly step: number;
  readonly kind: string;
  readonly isBest: boolean;
  readonly pinned: boolean;
  /** False: verification has found it damaged. */
  readonly valid: boolean;
  /** It holds the files of a completed operation's result. */
  readonly isResult?: boolean;
  readonly createdAt: Date;
}

export interface RetentionPolicy {
  /** How many valid checkpoints are kept, counted from the newest. `Infinity`: their number is no reason to go. */
  readonly keepLast: number;
  /** Of those, what is older than this may go as well. */
  readonly createdBefore?: Date;
}

/** What nobody can change comes first: a checkpoint whose first reason is that it is pinned goes once it is unpinned. */
const KEEP_REASONS = ['result', 'newest', 'newest-valid', 'needed', 'best', 'pinned', 'within-limits'] as const;
export type KeepReason = (typeof KEEP_REASONS)[number];

export type RemoveReason = 'beyond-keep-last' | 'too-old' | 'over-total-bytes';

export interface RetentionPlan {
  readonly keep: readonly { readonly id: string; readonly reasons: readonly KeepReason[] }[];
  readonly remove: readonly { readonly id: string; readonly reason: RemoveReason }[];
}

/**
 * Which checkpoints of one operation may go. Whatever the policy, the newest, the newest valid (so that the only
 * valid one never goes), the best, the pinned, the needed and the result stay. Damaged ones do not count towards
 * `keepLast`, so a row of them cannot push out what still works; until there are `keepLast` valid ones, none goes.
 * @param checkpoints all of one operation, in any order.
 * @param needed ids that an operation continues from, whether their own or another.
 */
export function planRetention(
  checkpoints: readonly RetainableCheckpoint[],
  policy: RetentionPolicy,
  needed: ReadonlySet<string> = new Set(),
): RetentionPlan {
  const newestFirst = checkpoints.toSorted(byNewest);
  const valid = newestFirst.filter((checkpoint) => checkpoint.valid);
  const lastKept = valid[Math.max(policy.keepLast, 1) - 1];
  const keep: { id: string; reasons: KeepReason[] }[] = [];
  const remove: { id: string; reason: RemoveReason }[] = [];
  for (const checkpoint of newestFirst) {
    const { id, createdAt } = checkpoint;
    const withinLast = lastKept === undefined || byNewest(checkpoint, lastKept) <= 0;
    const tooOld = policy.createdBefore !== undefined && createdAt < policy.createdBefore;
    const conditions: Record<KeepReason, boolean> = {
      newest: checkpoint === newestFirst[0],
      'newest-valid': checkpoint === valid[0],
      best: checkpoint.isBest,
      pinned: checkpoint.pinned,
      needed: needed.has(id),
      result: checkpoint.isResult === true,
      'within-limits': withinLast && !tooOld,
    };
    const reasons = KEEP_REASONS.filter((reason) => conditions[reason]);
    if (reasons.length > 0) keep.push({ id, reasons });
    else remove.push({ id, reason: withinLast ? 'too-old' : 'beyond-keep-last' });
  }
  return { keep, remove };
}

function byNewest(a: RetainableCheckpoint, b: RetainableCheckpoint): number {
  return b.attempt - a.attempt || b.seq - a.seq || b.createdAt.getTime() - a.createdAt.getTime();
}
