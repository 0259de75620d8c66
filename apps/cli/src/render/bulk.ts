import type { BulkView } from '@ktrdr/contracts';
import { type Cell, table } from './terminal/layout.js';
import { oneLine, type Paint } from './terminal/paint.js';
import { statusCell } from './words/status.js';
import { count } from './words/units.js';

export type BulkVerb = 'resume' | 'pause' | 'cancel';

/** What was or would be done to each operation, and why not to some. */
export function renderBulk(
  verb: BulkVerb,
  { items, dry_run: isDryRun, done, left_out: leftOut }: BulkView,
  paint: Paint,
): string {
  if (items.length === 0) return 'No operation matches; nothing was changed.';
  const columns = [{ title: 'OPERATION' }, { title: 'NAME' }, { title: 'STATUS' }, { title: verb.toUpperCase() }];
  const rows = items.map(({ operation_id: id, name: label, status, outcome }): Cell[] => [
    id,
    label,
    statusCell(status),
    outcomeCell(outcome),
  ]);
  const refused = items.filter(({ outcome }) => outcome === 'refused');
  const counts = [
    `${count(done)} ${isDryRun ? `would ${verb}` : `asked to ${verb}`}`,
    passedOver(items),
    refused.length > 0 ? `${count(refused.length)} refused` : null,
    leftOut > 0 ? `${count(leftOut)} more match and were left out: repeat the command for them` : null,
    isDryRun ? 'nothing was changed' : null,
  ];
  const why = refused.map(({ operation_id: id, code, detail }) => {
    return `  ${paint('bad', id)}  ${oneLine([code, detail].filter(Boolean).join(': '))}`;
  });
  return [table(columns, rows, paint), '', counts.filter(Boolean).join(' · '), ...why].join('\n');
}

function outcomeCell(outcome: BulkView['items'][number]['outcome']): Cell {
  switch (outcome) {
    case 'done':
      return { text: 'done', tone: 'good' };
    case 'would-be-done':
      return { text: 'yes', tone: 'good' };
    case 'passed-over':
      return { text: 'passed over', tone: 'label' };
    case 'refused':
      return { text: 'refused', tone: 'bad' };
  }
}

/** `3 already completed, passed over`: they were not meant, and nothing is amiss. */
function passedOver(items: BulkView['items']): string | null {
  const many = new Map<string, number>();
  for (const { outcome, status } of items) {
    if (outcome === 'passed-over') many.set(status, (many.get(status) ?? 0) + 1);
  }
  if (many.size === 0) return null;
  const each = [...many].map(([status, number]) => `${count(number)} already ${status}`);
  return `${[each.slice(0, -1).join(', '), each.at(-1)].filter(Boolean).join(' and ')}, passed over`;
}
