import { bestOf, type Checkpoint, finalOf, inOrder, isSettled, neededBy, type Operation } from '@ktrdr/operations';
import { type KeepReason, planRetention, type RemoveReason, type RetainableCheckpoint } from './retention.js';

/** What an operation keeps whose spec does not say. */
const DEFAULT_KEEP_LAST = 3;

/** Each limit that is given is enforced, whatever the others say. */
export interface RetentionLimits {
  readonly keepLast?: number;
  readonly createdBefore?: Date;
}

/** One operation as its row and its checkpoints tell. */
export interface RetentionFacts {
  readonly operation: Operation;
  /** All that are not being deleted. */
  readonly checkpoints: readonly Checkpoint[];
}

export interface OperationRetentionPlan {
  readonly keep: readonly { readonly checkpoint: Checkpoint; readonly reasons: readonly KeepReason[] }[];
  readonly remove: readonly { readonly checkpoint: Checkpoint; readonly reason: RemoveReason }[];
}

/** How many checkpoints the operation keeps by its own account. */
export function ownKeepLast({ spec, overrides }: Pick<Operation, 'spec' | 'overrides'>): number {
  return keepLastIn(overrides) ?? keepLastIn(spec) ?? DEFAULT_KEEP_LAST;
}

/**
 * Which of an operation's checkpoints the limits let go. While it waits or runs, only what its own `keep_last` lets go
 * as well: neither age nor a lower number counts.
 */
export function planOperationRetention(
  { operation, checkpoints }: RetentionFacts,
  limits: RetentionLimits,
): OperationRetentionPlan {
  const ordered = checkpoints.toSorted(inOrder);
  const best = bestOf(ordered);
  const result = operation.status === 'completed' ? finalOf(ordered) : undefined;
  const retainable = checkpoints.map((checkpoint): RetainableCheckpoint => ({
    ...checkpoint,
    isBest: checkpoint === best,
    valid: checkpoint.corruptedAt === null,
    isResult: checkpoint === result,
  }));
  const plan = planRetention(retainable, policyFor(operation, limits), neededBy(operation, ordered));
  const byId = new Map(checkpoints.map((checkpoint) => [checkpoint.id, checkpoint]));
  const withCheckpoint = <Entry extends { readonly id: string }>({ id, ...entry }: Entry) => {
    const checkpoint = byId.get(id);
    return checkpoint ? [{ ...entry, checkpoint }] : [];
  };
  return { keep: plan.keep.flatMap(withCheckpoint), remove: plan.remove.flatMap(withCheckpoint) };
}

/** Why it is kept, in one word: `in-use`: its operation waits or runs, and keeps more by its own account. */
export type MainReason = KeepReason | 'in-use';

/** The first of the reasons that speak for keeping it. `within-limits`: nothing but the limits does. */
export function mainReason({ status }: Operation, [first = 'within-limits']: readonly KeepReason[]): MainReason {
  return first === 'within-limits' && !isSettled(status) ? 'in-use' : first;
}

function policyFor(operation: Operation, { keepLast, createdBefore }: RetentionLimits) {
  if (!isSettled(operation.status))
    return { keepLast: keepLast === undefined ? Infinity : Math.max(keepLast, ownKeepLast(operation)) };
  return { keepLast: keepLast ?? Infinity, ...(createdBefore ? { createdBefore } : {}) };
}

function keepLastIn(spec: unknown): number | undefined {
  const keepLast = (spec as { checkpoint?: { keep_last?: unknown } } | null)?.checkpoint?.keep_last;
  return typeof keepLast === 'number' ? keepLast : undefined;
}
