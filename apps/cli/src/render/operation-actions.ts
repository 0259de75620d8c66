import type { ActionView, OperationView } from '@ktrdr/contracts';
import { isLeased } from '@ktrdr/operations/model';
import { placeOf, withDamage } from './words/checkpoint-facts.js';
import { bad, type Block, type Row } from './words/parts.js';
import { remainingText } from './words/paused-facts.js';
import { statusCell, unschedulableRows } from './words/status.js';
import { suggestionLines } from './words/suggestions.js';
import { count, duration, metricsText, position } from './words/units.js';

export function renderStarted(operation: OperationView): Block {
  const { operation_id: id, name, status, queue_position, origin } = operation;
  return {
    title: `Started ${id}`,
    rows: [
      { label: 'name', value: name },
      { label: 'retry of', value: origin && `${origin.operation_id}, from the beginning` },
      { label: 'status', value: statusCell(status, queue_position) },
      ...unschedulableRows(operation.no_fitting_worker),
      { label: 'watch', value: `ktrdr operations watch ${id}` },
    ],
  };
}

/** The reply to a pause or cancel, and where the operation can be resumed later. */
export function renderAction(
  { operation_id: id, status, message }: ActionView,
  operation: OperationView,
  now: Date,
): Block {
  return {
    title: `${status.charAt(0).toUpperCase()}${status.slice(1)} ${id}`,
    rows: [
      { label: 'status', value: statusCell(operation.status, operation.queue_position) },
      { label: 'now', value: message },
      ...continuation(operation, now),
      { label: 'watch', value: isLeased(operation.status) ? `ktrdr operations watch ${id}` : null },
    ],
  };
}

/** Its new place in the queue. */
export function renderPrioritised({ operation_id: id, status, queue_position, priority }: OperationView): Block {
  return {
    title: `Moved ${id}`,
    rows: [
      { label: 'status', value: statusCell(status, queue_position) },
      { label: 'priority', value: count(priority) },
    ],
  };
}

/** How an operation ended, or where it stopped. */
export function renderOutcome(operation: OperationView, now: Date): Block {
  const { operation_id: id, status, error, active_seconds: seconds, progress } = operation;
  const sha256 = operation.result?.['weights_sha256'];
  return {
    title: id,
    rows: [
      { label: 'status', value: statusCell(status, operation.queue_position) },
      { label: 'error', value: error && bad(`${error.code}: ${error.message}`) },
      { label: 'at', value: progress && `${position(progress)}, after ${duration(seconds)} of training` },
      { label: 'metrics', value: metricsText(operation.metrics) },
      { label: 'remaining', value: remainingText(operation.paused?.remaining) },
      { label: 'hint', value: suggestionLines(operation.suggestions) },
      { label: 'weights', value: typeof sha256 === 'string' ? `sha256 ${sha256}` : null },
      ...continuation(operation, now),
      { label: 'show', value: `ktrdr operations show ${id}` },
    ],
  };
}

/** Where it can be resumed; empty without a checkpoint to resume from. */
function continuation(
  { operation_id: id, latest_checkpoint: latest, allowed_actions }: OperationView,
  now: Date,
): Row[] {
  if (!latest || !allowed_actions.includes('resume')) return [];
  return [
    { label: 'saved', value: withDamage(placeOf(latest, now), latest, now) },
    { label: 'resume', value: `ktrdr operations resume ${id}` },
  ];
}
