import type { ActionView, OperationView } from '@ktrdr/contracts';
import { isLeased } from '@ktrdr/operations/model';
import { withDamage } from './words/damage.js';
import { position, renderMetrics } from './words/figures.js';
import { block, type Row } from './terminal/layout.js';
import { noWorkerRows } from './words/no-worker.js';
import type { RenderContext } from './operation-detail.js';
import { remainingText } from './words/paused-facts.js';
import { statusCell } from './words/status.js';
import { age, count, duration } from './words/units.js';

export function renderStarted(operation: OperationView, { paint }: RenderContext): string {
  const { operation_id: id, name, status, queue_position, origin } = operation;
  return block(
    `Started ${id}`,
    [
      { label: 'name', value: name },
      { label: 'again', value: origin && `what ${origin.operation_id} was, from the beginning` },
      { label: 'status', value: statusCell(status, queue_position) },
      ...noWorkerRows(operation.no_fitting_worker),
      { label: 'watch', value: `ktrdr operations watch ${id}` },
    ],
    paint,
  );
}

/** The reply to a pause or cancel, with what the operation's record says about going on later. */
export function renderAction(action: ActionView, operation: OperationView, { paint, now }: RenderContext): string {
  const { operation_id: id, status, message } = action;
  const rows: Row[] = [
    { label: 'status', value: statusCell(operation.status, operation.queue_position) },
    { label: 'now', value: message },
    ...continuation(operation, now),
    { label: 'watch', value: isLeased(operation.status) ? `ktrdr operations watch ${id}` : null },
  ];
  return block(`${status.charAt(0).toUpperCase()}${status.slice(1)} ${id}`, rows, paint);
}

/** Where it stands in its queue now. */
export function renderPrioritised(operation: OperationView, { paint }: RenderContext): string {
  const { operation_id: id, status, queue_position, priority } = operation;
  const rows: Row[] = [
    { label: 'status', value: statusCell(status, queue_position) },
    { label: 'priority', value: count(priority) },
  ];
  return block(`Moved ${id}`, rows, paint);
}

/** How an operation ended, or where it stopped. */
export function renderOutcome(operation: OperationView, { paint, now }: RenderContext): string {
  const { operation_id: id, status, error, active_seconds: seconds, progress } = operation;
  const sha256 = operation.result?.['weights_sha256'];
  const rows: Row[] = [
    { label: 'status', value: statusCell(status, operation.queue_position) },
    { label: 'error', value: error && { text: `${error.code}: ${error.message}`, tone: 'bad' } },
    { label: 'at', value: progress && `${position(progress)}, after ${duration(seconds)} of training` },
    { label: 'metrics', value: renderMetrics(operation.metrics) },
    { label: 'remaining', value: remainingText(operation.paused?.remaining) },
    { label: 'perhaps', value: operation.suggestions.flatMap(({ why, command }) => [`${why}:`, `  ${command}`]) },
    { label: 'weights', value: typeof sha256 === 'string' ? `sha256 ${sha256}` : null },
    ...continuation(operation, now),
    { label: 'show', value: `ktrdr operations show ${id}` },
  ];
  return block(id, rows, paint);
}

/** Where it can go on, only if there is a checkpoint to go on from. */
function continuation(
  { operation_id: id, latest_checkpoint: latest, allowed_actions }: OperationView,
  now: Date,
): Row[] {
  if (!latest || !allowed_actions.includes('resume')) return [];
  return [
    {
      label: 'saved',
      value: withDamage(
        `${position(latest)} (${latest.checkpoint_type} checkpoint of ${age(latest.created_at, now)})`,
        latest,
        now,
      ),
    },
    { label: 'resume', value: `ktrdr operations resume ${id}` },
  ];
}
