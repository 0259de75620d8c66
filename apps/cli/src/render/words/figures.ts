import type { OperationView } from '@ktrdr/contracts';
import { count, figure } from './units.js';

/** `loss 0.6892  val_loss 0.6911`. */
export function renderMetrics(metrics: OperationView['metrics']): string {
  return Object.entries(metrics ?? {})
    .map(([metric, value]) => `${metric} ${figure(value)}`)
    .join('  ');
}

export function position({ epoch, step }: { readonly epoch: number; readonly step: number }): string {
  return `epoch ${count(epoch)}, step ${count(step)}`;
}
