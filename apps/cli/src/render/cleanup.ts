import type { CleanupView } from '@ktrdr/contracts';
import { bad, type Block, type Row, type Shown } from './words/parts.js';
import { count, quantity, size } from './words/units.js';

/** What went or would go, why, what stays, and the command that removes it. */
export function renderCleanup(view: CleanupView, command: string): Shown {
  const { dry_run: isDryRun, removed, kept_reasons: kept, freed_bytes: freed } = view;
  const isNothing = removed.length === 0 && view.orphans.manifests + view.orphans.blobs === 0;
  const reasons = Object.entries(kept).map(([reason, many]) => `${count(many)} ${reason}`);
  const summary: Block = {
    title: isNothing ? 'There is nothing to remove' : isDryRun ? 'Nothing was removed yet' : 'Removed',
    rows: [
      { label: 'checkpoints', value: count(removed.length) },
      { label: 'orphans', value: orphansOf(view) },
      { label: 'damaged', value: damagedOf(view) },
      { label: isDryRun ? 'would free' : 'freed', value: size(freed) },
      { label: 'kept', value: reasons.join(', ') },
      { label: 'limit', value: limitOf(view) },
      { label: 'next', value: isDryRun && !isNothing ? command : null },
    ],
  };
  if (removed.length === 0) return summary;
  const columns = [
    { title: 'CHECKPOINT' },
    { title: 'OPERATION' },
    { title: 'STEP', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'WHY' },
  ] as const;
  const cells = removed.map(({ checkpoint_id: id, operation_id: operation, step, bytes, reason }) => [
    id,
    operation,
    count(step),
    size(bytes),
    reason,
  ]);
  return [{ columns, cells }, '', summary];
}

/** What protects a checkpoint, whatever the limits, as words behind a number. */
const PROTECTED_AS: Readonly<Record<string, string>> = {
  result: 'with the result of an operation',
  newest: 'the newest of an operation',
  'newest-valid': 'the newest valid of an operation',
  needed: 'that an operation continues from',
  best: 'the best of an operation',
  pinned: 'pinned',
  'in-use': 'of operations that wait or run',
};

function limitOf({ over_limit: over, kept_reasons: kept }: CleanupView): Row['value'] {
  if (!over) return null;
  const protectedBy = Object.entries(PROTECTED_AS).flatMap(([reason, words]) => {
    const many = kept[reason] ?? 0;
    return many > 0 ? [`${count(many)} ${words}`] : [];
  });
  const distance = `still ${size(over.over_bytes)} above the limit of ${size(over.max_total_bytes)}`;
  return { text: `${distance}: what is left is protected (${protectedBy.join(', ')})`, tone: 'waiting' };
}

function orphansOf({ orphans }: CleanupView): string {
  const { manifests, blobs, bytes, younger_than_grace: young, skipped } = orphans;
  if (skipped !== null) return `not looked for: ${skipped}`;
  const found = `${quantity(manifests, 'manifest')}, ${quantity(blobs, 'blob')}, ${size(bytes)}`;
  return young > 0 ? `${found}; ${quantity(young, 'object')} too young to judge` : found;
}

function damagedOf({ orphans: { damaged }, dry_run: isDryRun }: CleanupView): Row['value'] {
  if (damaged === 0) return null;
  const marked = isDryRun ? 'not marked yet' : 'marked as corrupted';
  return bad(`${quantity(damaged, 'checkpoint')} without objects, ${marked}`);
}
