import type { OperationPage } from '@ktrdr/contracts';
import { type Column, table } from './terminal/layout.js';
import { lossColumns } from './loss-columns.js';
import type { Paint } from './terminal/paint.js';
import { statusCell } from './words/status.js';
import { age, count, percent } from './words/units.js';

export interface ListContext {
  readonly paint: Paint;
  readonly now: Date;
  readonly isFiltered: boolean;
}

export function renderOperations(page: OperationPage, { paint, now, isFiltered }: ListContext): string {
  if (page.items.length === 0) {
    return isFiltered
      ? 'No operation matches.\n  all      ktrdr operations'
      : 'There are no operations yet.\n  start    ktrdr operations start SPEC';
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
  const rows = page.items.map((operation) => [
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
  return `${table(columns, rows, paint)}\n\n${summary(page, paint)}`;
}

function summary({ items, total, active, by_status, next_cursor }: OperationPage, paint: Paint): string {
  const counts = Object.entries(by_status).filter(([, many]) => many > 0);
  const states = counts.map(([status, many]) => `${count(many)} ${status}`).join(', ');
  const shown = items.length < total ? `${count(items.length)} of ${count(total)} shown` : `${count(total)} in all`;
  const line = paint('label', [shown, `${count(active)} active`, states].filter(Boolean).join(' · '));
  return next_cursor ? `${line}\n${paint('label', 'next page')}   ktrdr operations --cursor ${next_cursor}` : line;
}
