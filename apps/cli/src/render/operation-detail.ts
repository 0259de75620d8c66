import type { OperationView } from '@ktrdr/contracts';
import { block, type Cell, type Row } from './layout.js';
import type { Paint } from './paint.js';
import { statusCell } from './status.js';
import { age, count, duration, figure, percent } from './units.js';

export interface RenderContext {
  readonly paint: Paint;
  readonly now: Date;
}

type Summary = NonNullable<OperationView['latest_checkpoint']>;

export function renderOperation(operation: OperationView, { paint, now }: RenderContext): string {
  const { operation_id: id, name, labels, best } = operation;
  const rows: Row[] = [
    { label: 'name', value: name },
    { label: 'status', value: statusCell(operation.status, operation.queue_position) },
    { label: 'worker', value: workerOf(operation) },
    { label: 'progress', value: progressOf(operation) },
    { label: 'metrics', value: renderMetrics(operation.metrics) },
    { label: 'best', value: best && `${best.metric} ${figure(best.value)} (${position(best)})` },
    { label: 'checkpoint', value: checkpointOf(operation.latest_checkpoint, now) },
    { label: 'resumed', value: operation.resumed_from && `from ${checkpointOf(operation.resumed_from, now)}` },
    {
      label: 'pause',
      value: operation.pause && request(operation.pause, `at the next ${operation.pause.boundary}`, now),
    },
    {
      label: 'cancel',
      value: operation.cancel && request(operation.cancel, operation.cancel.save ? 'saving first' : 'discarding', now),
    },
    { label: 'recoveries', value: recoveriesOf(operation) },
    { label: 'error', value: operation.error && bad(`${operation.error.code}: ${operation.error.message}`) },
    { label: 'warnings', value: operation.warnings.map(({ message, at }) => `${message} (${age(at, now)})`) },
    { label: 'created', value: `${age(operation.created_at, now)} (${operation.created_at})` },
    { label: 'times', value: timesOf(operation) },
    { label: 'labels', value: entries(labels).join('  ') },
    { label: 'pool', value: `${operation.pool}, priority ${operation.priority}` },
    { label: 'result', value: entries(operation.result ?? {}) },
    { label: 'spec', value: `sha256 ${operation.spec_sha256}` },
    { label: 'next', value: operation.allowed_actions.map((action) => `ktrdr operations ${action} ${id}`) },
  ];
  return block(id, rows, paint);
}

/** `loss 0.6892  val_loss 0.6911`. */
export function renderMetrics(metrics: OperationView['metrics']): string {
  return Object.entries(metrics ?? {})
    .map(([metric, value]) => `${metric} ${figure(value)}`)
    .join('  ');
}

export function position({ epoch, step }: { readonly epoch: number; readonly step: number }): string {
  return `epoch ${count(epoch)}, step ${count(step)}`;
}

function checkpointOf(checkpoint: Summary | null, now: Date): string | null {
  if (!checkpoint) return null;
  const { checkpoint_id: id, checkpoint_type: kind, created_at } = checkpoint;
  return `${id} (${kind}, ${position(checkpoint)}, ${age(created_at, now)})`;
}

function workerOf({ worker_id: worker, attempt, backend }: OperationView): string | null {
  const parts = [worker, attempt > 0 ? `attempt ${attempt}` : null, backend];
  return parts.filter(Boolean).join(', ') || null;
}

function progressOf({ progress }: OperationView): string | null {
  if (!progress) return null;
  const { fraction, epoch, epochs, step, steps, examples_per_second: rate, eta_seconds: eta } = progress;
  return [
    percent(fraction),
    `epoch ${count(epoch)}/${count(epochs)}`,
    `step ${count(step)}/${count(steps)}`,
    rate === null ? null : `${count(rate)} examples/s`,
    eta === null ? null : `ETA ${duration(eta)}`,
  ]
    .filter(Boolean)
    .join('  ');
}

function recoveriesOf({ recoveries, max_recoveries: most }: OperationView): string | null {
  return recoveries > 0 ? `${count(recoveries)} of at most ${count(most)}` : null;
}

function timesOf({ queued_seconds, active_seconds, paused_seconds }: OperationView): string {
  return `queued ${duration(queued_seconds)}  active ${duration(active_seconds)}  paused ${duration(paused_seconds)}`;
}

function request(
  { reason, requested_by, requested_at }: { reason: string | null; requested_by: string; requested_at: string },
  how: string,
  now: Date,
): string {
  return `asked for by ${requested_by} ${age(requested_at, now)}, ${how}${reason ? `: ${reason}` : ''}`;
}

function entries(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).map(([name, value]) => {
    const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : figure(value);
    return `${name} ${text}`;
  });
}

function bad(text: string): Cell {
  return { text, tone: 'bad' };
}
