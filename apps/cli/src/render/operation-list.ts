import type { OperationPage } from '@ktrdr/contracts';
import { lossColumns } from './loss-columns.js';
import type { Column, Part, Shown } from './words/parts.js';
import { statusCell } from './words/status.js';
import { age, count, percent } from './words/units.js';

export function renderOperations(
  page: OperationPage,
  now: Date,
  { isFiltered }: { readonly isFiltered: boolean },
): Shown {
  if (page.items.length === 0) {
    return isFiltered
      ? { title: 'No operation matches.', rows: [{ label: 'all', value: 'ktrdr operations' }] }
      : { title: 'There are no operations yet.', rows: [{ label: 'start', value: 'ktrdr operations start SPEC' }] };
  }
  const losses = lossColumns(page.items.map(({ metrics }) => metrics));
  const columns: Column[] = [
    { title: 'OPERATION' },
    { title: 'NAME' },
    { title: 'STATUS' },
    { title: 'DONE', align: 'right' },
    { title: 'EPOCH', align: 'right' },
    ...losses.columns,
    { title: 'CREATED' },
  ];
  const cells = page.items.map((operation) => [
    operation.operation_id,
    operation.name,
    statusCell(operation.status, operation.queue_position),
    operation.progress ? percent(operation.progress.fraction) : '',
    operation.progress && operation.progress.epochs > 0
      ? `${count(operation.progress.epoch)}/${count(operation.progress.epochs)}`
      : '',
    ...losses.cellsOf(operation.metrics),
    age(operation.created_at, now),
  ]);
  return [{ columns, cells }, '', ...summary(page)];
}

function summary({ items, total, active, by_status, next_cursor }: OperationPage): Part[] {
  const counts = Object.entries(by_status).filter(([, many]) => many > 0);
  const states = counts.map(([status, many]) => `${count(many)} ${status}`).join(', ');
  const shown = items.length < total ? `${count(items.length)} of ${count(total)} shown` : `${count(total)} in all`;
  const text = [shown, `${count(active)} active`, states].filter(Boolean).join(' · ');
  const next: Part[] = next_cursor
    ? [{ line: [{ text: 'next page', tone: 'label' }, `ktrdr operations --cursor ${next_cursor}`] }]
    : [];
  return [{ text, tone: 'label' }, ...next];
}
