import type { BulkView } from '@ktrdr/contracts';
import { type Cell, table } from './layout.js';
import { oneLine, type Paint } from './paint.js';
import { statusCell } from './status.js';
import { count } from './units.js';

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
    outcome === 'refused' ? { text: 'refused', tone: 'bad' } : { text: isDryRun ? 'yes' : 'done', tone: 'good' },
  ]);
  const refused = items.filter(({ outcome }) => outcome === 'refused');
  const counts = [
    `${count(done)} ${isDryRun ? `would ${verb}` : `asked to ${verb}`}`,
    refused.length > 0 ? `${count(refused.length)} refused` : null,
    leftOut > 0 ? `${count(leftOut)} more match and were left out: repeat the command for them` : null,
    isDryRun ? 'nothing was changed' : null,
  ];
  const why = refused.map(({ operation_id: id, code, detail }) => {
    return `  ${paint('bad', id)}  ${oneLine([code, detail].filter(Boolean).join(': '))}`;
  });
  return [table(columns, rows, paint), '', counts.filter(Boolean).join(' · '), ...why].join('\n');
}
