import type { OperationView } from '@ktrdr/contracts';
import { isLeased } from '@ktrdr/operations/model';
import { withDamage } from './words/checkpoint-facts.js';
import { EXACT, formatValues } from './words/format-values.js';
import { bad, type Block, type Cell, type Row } from './words/parts.js';
import { earlierPauses, isPaused, pausedRows, remainingText } from './words/paused-facts.js';
import { changesOf, renderChange } from './words/spec-changes.js';
import { statusCell, unschedulableRows } from './words/status.js';
import { suggestionLines } from './words/suggestions.js';
import { age, count, duration, figure, metricsText, percent, position, quantity } from './words/units.js';

type Summary = NonNullable<OperationView['latest_checkpoint']>;

export function renderOperation(operation: OperationView, now: Date): Block {
  const { operation_id: id, best, error, status, pause, cancel } = operation;
  const rows: Row[] = [
    { label: 'name', value: operation.name },
    { label: 'status', value: statusCell(status, operation.queue_position) },
    ...unschedulableRows(operation.no_fitting_worker),
    { label: 'stuck', value: stuckOf(operation, now) },
    { label: 'worker', value: workerOf(operation) },
    { label: 'progress', value: progressOf(operation) },
    { label: 'metrics', value: metricsText(operation.metrics) },
    { label: 'best', value: best && `${best.metric} ${figure(best.value)} (${position(best)})` },
    { label: 'times', value: timesOf(operation) },
    ...pausedRows(operation, now),
    { label: 'remaining', value: isPaused(operation) ? null : remainingText(operation.remaining) },
    { label: 'pauses', value: earlierPauses(operation, now) },
    { label: 'checkpoint', value: checkpointOf(operation.latest_checkpoint, now) },
    { label: 'saving', value: savingOf(operation) },
    { label: 'resumed', value: checkpointOf(operation.resumed_from, now, 'from ') },
    { label: 'pause', value: pause && isLeased(status) ? request(pause, `at the next ${pause.boundary}`, now) : null },
    { label: 'cancel', value: cancel && request(cancel, cancel.save ? 'saving first' : 'discarding', now) },
    { label: 'recoveries', value: recoveriesOf(operation) },
    { label: 'error', value: error && bad(`${error.code}: ${error.message}`) },
    { label: 'hint', value: suggestionLines(operation.suggestions) },
    { label: 'warnings', value: operation.warnings.map(({ message, at }) => `${message} (${age(at, now)})`) },
    { label: 'created', value: `${age(operation.created_at, now)} (${operation.created_at})` },
    ...family(operation),
    { label: 'labels', value: labelsOf(operation) },
    { label: 'pool', value: `${operation.pool}, priority ${operation.priority}` },
    { label: 'watchdog', value: watchdogOf(operation) },
    { label: 'result', value: formatValues(operation.result ?? {}) },
    { label: 'spec', value: specOf(operation) },
    { label: 'changed', value: changesOf(operation) },
    { label: 'next', value: nextActions(operation).map((action) => `ktrdr operations ${action} ${id}`) },
  ];
  return { title: id, rows };
}

/** A fork is always possible; it is suggested where nothing else goes on. */
function nextActions({ status, allowed_actions, is_forkable: isForkable }: OperationView): string[] {
  return status === 'completed' && isForkable ? ['fork', ...allowed_actions] : allowed_actions;
}

/** Its origin, forks and children. */
function family({ parent_id, origin, children, forked_from, forks }: OperationView): Row[] {
  const states = Object.entries(children?.by_status ?? {})
    .filter(([, many]) => many > 0)
    .map(([status, many]) => `${count(many)} ${status}`);
  return [
    { label: 'parent', value: parent_id },
    {
      label: 'made from',
      value: origin && `${origin.operation_id} (${[origin.kind, origin.checkpoint_id].filter(Boolean).join(' at ')})`,
    },
    { label: 'forked with', value: forked_from?.changes.map(renderChange) },
    {
      label: 'forks',
      value: forks.map((fork) => `${fork.operation_id} (${fork.name}, at ${position(fork)}, ${fork.status})`),
    },
    {
      label: 'children',
      value: children && `${count(children.total)}: ${states.join(', ')}, ${percent(children.fraction)} done`,
    },
  ];
}

function stuckOf({ stuck_since: since, watchdog }: OperationView, now: Date): Cell | null {
  if (since === null) return null;
  const limit = watchdog ? ` for more than ${duration(watchdog.seconds)}` : '';
  return bad(`its worker is alive, but it has made no step${limit}; noticed ${age(since, now)}`);
}

const ON_STALL = { warn: 'warns', pause: 'pauses it', fail: 'fails it' } as const;

function watchdogOf({ watchdog }: OperationView): string | null {
  return watchdog && `${ON_STALL[watchdog.on_stall]} after ${duration(watchdog.seconds)} without a step`;
}

function checkpointOf(checkpoint: Summary | null, now: Date, before = ''): Cell | null {
  if (!checkpoint) return null;
  const { checkpoint_id: id, checkpoint_type: kind, created_at } = checkpoint;
  return withDamage(`${before}${id} (${kind}, ${position(checkpoint)}, ${age(created_at, now)})`, checkpoint, now);
}

const DECIDED_BY = {
  budget: 'the budget',
  'max-loss': 'the bound max_loss_seconds',
  'most-often': 'the bound of a tenth of max_loss_seconds',
} as const;

/** `1.88 %`: budgets are small. */
function share(fraction: number): string {
  return `${Number((fraction * 100).toFixed(2))} %`;
}

/** How often its budget lets it save, and whether both bounds hold. */
function savingOf({ checkpointing }: OperationView): Cell[] {
  if (!checkpointing) return [];
  const { interval_seconds, decided_by, saves, overhead_fraction, overhead_budget } = checkpointing;
  const { longest_unprotected_seconds: longest, max_loss_seconds: limit } = checkpointing;
  const cost = `${quantity(saves, 'save')} cost ${share(overhead_fraction)} of the time, ${share(overhead_budget)} are allowed`;
  const loss = `at most ${duration(longest)} of work unsaved, ${duration(limit)} are allowed`;
  return [
    `every ${duration(interval_seconds)}, decided by ${DECIDED_BY[decided_by]}`,
    checkpointing.is_budget_kept ? cost : bad(cost),
    checkpointing.is_max_loss_kept ? loss : bad(loss),
  ];
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
    epochs > 0 || epoch > 0 ? `epoch ${count(epoch)}${epochs > 0 ? `/${count(epochs)}` : ''}` : null,
    `step ${count(step)}${steps > 0 ? `/${count(steps)}` : ''}`,
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
  return `requested by ${requested_by} ${age(requested_at, now)}, ${how}${reason ? `: ${reason}` : ''}`;
}

function labelsOf({ labels }: OperationView): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name} ${value}`)
    .join('  ');
}

/** The spec as submitted; changes of resumes stand below. */
function specOf({ spec, spec_sha256: sha256 }: OperationView): string[] {
  const isKnown = typeof spec === 'object' && spec !== null && !Array.isArray(spec);
  return [`sha256 ${sha256}`, ...(isKnown ? formatValues(spec as Readonly<Record<string, unknown>>, EXACT) : [])];
}
