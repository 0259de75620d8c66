import type { OperationView } from '@ktrdr/contracts';
import type { Column } from './words/parts.js';
import { figure } from './words/units.js';

type Metrics = OperationView['metrics'];

/** The loss that says most, and what it is called, the better one first. */
const LOSSES = [
  { metric: 'val_loss', title: 'VAL LOSS' },
  { metric: 'loss', title: 'LOSS' },
] as const;

/** Columns for the losses of some rows. Each row shows one, the validation loss where it has one, under its own name. */
export function lossColumns(rows: readonly Metrics[]): {
  readonly columns: readonly Column[];
  cellsOf(metrics: Metrics): string[];
} {
  const occurring = LOSSES.filter((loss) => rows.some((metrics) => chosen(metrics) === loss));
  const shown = occurring.length > 0 ? occurring : LOSSES.slice(-1);
  return {
    columns: shown.map(({ title }) => ({ title, align: 'right' })),
    cellsOf: (metrics) => shown.map((loss) => (chosen(metrics) === loss ? figure(metrics?.[loss.metric]) : '')),
  };
}

function chosen(metrics: Metrics): (typeof LOSSES)[number] | undefined {
  return LOSSES.find(({ metric }) => metrics?.[metric] !== undefined);
}
