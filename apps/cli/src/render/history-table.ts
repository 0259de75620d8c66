import type { EventView, ExplainView, HistoryPage } from '@ktrdr/contracts';
import { block, table } from './terminal/layout.js';
import { type Paint, printable } from './terminal/paint.js';
import { statusCell } from './words/status.js';
import { count, quantity } from './words/units.js';

export function renderHistory({ items }: HistoryPage, paint: Paint): string {
  if (items.length === 0) return 'Nothing has happened to it yet.';
  const columns = [
    { title: '#', align: 'right' },
    { title: 'AT' },
    { title: 'EVENT' },
    { title: 'FROM' },
    { title: 'TO' },
    { title: 'ATTEMPT', align: 'right' },
    { title: 'BY' },
    { title: 'REASON' },
  ] as const;
  const rows = items.map(({ n, at, event, from, to, attempt, actor, reason, details }) => [
    event === 'fork' ? '' : String(n), // a fork is no transition of this operation: it has no number of its own
    clock(at),
    event,
    from ?? '–',
    statusCell(to),
    String(attempt),
    actor,
    [reason, rewindOf(details)].filter(Boolean).join('; '),
  ]);
  return table(columns, rows, paint);
}

/** Why its progress went back, and how far; null: it did not. */
function rewindOf(details: HistoryPage['items'][number]['details']): string | null {
  const { fell_back_from: damaged, checkpoint_id: id, step, lost_steps: lost } = details;
  if (typeof lost !== 'number') return null;
  const where = `${typeof id === 'string' ? `${id} ` : ''}${typeof step === 'number' ? `at step ${count(step)}` : ''}`;
  const cost = `losing ${lost === 0 ? 'no steps' : quantity(lost, 'step')}`;
  if (typeof damaged === 'string') return `fell back from ${damaged} (damaged) to ${where.trim()}, ${cost}`;
  if (lost === 0) return null;
  return typeof id === 'string' ? `went back to ${where.trim()}, ${cost}` : `began again at step 0, ${cost}`;
}

export function renderExplanation(view: ExplainView, paint: Paint): string {
  const { operation_id: id, status, summary, reasons, next, allowed_actions } = view;
  return block(
    id,
    [
      { label: 'status', value: statusCell(status) },
      { label: 'summary', value: summary },
      { label: 'because', value: reasons },
      { label: 'next', value: next },
      { label: 'you can', value: allowed_actions.map((action) => `ktrdr operations ${action} ${id}`) },
    ],
    paint,
  );
}

/** What a trainer wrote, and what was said about it; null for events that are neither. */
export function renderLogEvent({ type, at, data }: EventView, paint: Paint): string | null {
  const stamp = paint('label', clock(at));
  if (type === 'log' && Array.isArray(data['lines'])) {
    const isError = data['stream'] === 'stderr';
    return data['lines']
      .map((line) => printable(String(line)).trimEnd())
      .map((line) => `${stamp}  ${isError ? paint('waiting', line) : line}`.trimEnd())
      .join('\n');
  }
  if (type !== 'warning') return null;
  return `${stamp}  ${paint('waiting', `warning: ${printable(String(data['message'] ?? data['code'] ?? ''))}`)}`;
}

/** `2026-11-22 10:15:00`, in UTC as everywhere. */
function clock(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ');
}
