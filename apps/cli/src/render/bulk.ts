import type { BulkView } from '@ktrdr/contracts';
import { bad, type Cell, oneLine, type Shown } from './words/parts.js';
import { statusCell } from './words/status.js';
import { count } from './words/units.js';

export type BulkVerb = 'resume' | 'pause' | 'cancel';

type Item = BulkView['items'][number];

const OUTCOMES: Readonly<Record<Item['outcome'], Cell>> = {
  done: { text: 'done', tone: 'good' },
  'would-be-done': { text: 'yes', tone: 'good' },
  'passed-over': { text: 'passed over', tone: 'label' },
  refused: bad('refused'),
};

/** What was or would be done to each operation, and the reasons of refusals. */
export function renderBulk(verb: BulkVerb, { items, dry_run: isDryRun, done, left_out: leftOut }: BulkView): Shown {
  if (items.length === 0) return 'No operation matches; nothing was changed.';
  const columns = [{ title: 'OPERATION' }, { title: 'NAME' }, { title: 'STATUS' }, { title: verb.toUpperCase() }];
  const cells = items.map(({ operation_id: id, name: label, status, outcome }): Cell[] => [
    id,
    label,
    statusCell(status),
    OUTCOMES[outcome],
  ]);
  const refused = items.filter(({ outcome }) => outcome === 'refused');
  const counts = [
    `${count(done)} ${isDryRun ? `would ${verb}` : `asked to ${verb}`}`,
    passedOver(items),
    refused.length > 0 ? `${count(refused.length)} refused` : null,
    leftOut > 0 ? `${count(leftOut)} more match and were left out: repeat the command for them` : null,
    isDryRun ? 'nothing was changed' : null,
  ];
  const reasons = refused.map(({ operation_id: id, code, detail }) => ({
    line: ['', bad(id), oneLine([code, detail].filter(Boolean).join(': '))],
  }));
  return [{ columns, cells }, '', counts.filter(Boolean).join(' · '), ...reasons];
}

/** `3 already completed, passed over`: the action leads where they are, or they have ended. */
function passedOver(items: readonly Item[]): string | null {
  const many = new Map<string, number>();
  for (const { outcome, status } of items) {
    if (outcome === 'passed-over') many.set(status, (many.get(status) ?? 0) + 1);
  }
  if (many.size === 0) return null;
  const each = [...many].map(([status, number]) => `${count(number)} already ${status}`);
  return `${[each.slice(0, -1).join(', '), each.at(-1)].filter(Boolean).join(' and ')}, passed over`;
}
