import type { EventView, ExplainView, HistoryPage } from '@ktrdr/contracts';
import type { Block, Part, Shown } from './words/parts.js';
import { statusCell } from './words/status.js';
import { count, quantity } from './words/units.js';

export function renderHistory({ items }: HistoryPage): Shown {
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
  const cells = items.map(({ n, at, event, from, to, attempt, actor, reason, details }) => [
    event === 'fork' ? '' : String(n), // a fork is no transition of this operation: it has no number of its own
    clock(at),
    event,
    from ?? '–',
    statusCell(to),
    String(attempt),
    actor,
    [reason, rewindOf(details)].filter(Boolean).join('; '),
  ]);
  return { columns, cells };
}

/** Why and how far its progress went back; null: it did not. */
function rewindOf(details: HistoryPage['items'][number]['details']): string | null {
  const { fell_back_from: damaged, checkpoint_id: id, step, lost_steps: lost } = details;
  if (typeof lost !== 'number') return null;
  const where = `${typeof id === 'string' ? `${id} ` : ''}${typeof step === 'number' ? `at step ${count(step)}` : ''}`;
  const cost = `losing ${lost === 0 ? 'no steps' : quantity(lost, 'step')}`;
  if (typeof damaged === 'string') return `fell back from ${damaged} (damaged) to ${where.trim()}, ${cost}`;
  if (lost === 0) return null;
  return typeof id === 'string' ? `went back to ${where.trim()}, ${cost}` : `began again at step 0, ${cost}`;
}

export function renderExplanation(view: ExplainView): Block {
  const { operation_id: id, status, summary, reasons, next, allowed_actions } = view;
  return {
    title: id,
    rows: [
      { label: 'status', value: statusCell(status) },
      { label: 'summary', value: summary },
      { label: 'because', value: reasons },
      { label: 'next', value: next },
      { label: 'you can', value: allowed_actions.map((action) => `ktrdr operations ${action} ${id}`) },
    ],
  };
}

/** The output of a trainer, and warnings about it; empty for other events. */
export function renderLogEvent({ type, at, data }: EventView): readonly Part[] {
  const stamp = { text: clock(at), tone: 'label' } as const;
  if (type === 'log' && Array.isArray(data['lines'])) {
    const isError = data['stream'] === 'stderr';
    return data['lines'].map((line) => {
      const text = String(line).trimEnd();
      return { line: [stamp, isError ? { text, tone: 'waiting' } : text] };
    });
  }
  if (type !== 'warning') return [];
  const text = `warning: ${String(data['message'] ?? data['code'] ?? '')}`;
  return [{ line: [stamp, { text, tone: 'waiting' }] }];
}

/** `2026-11-22 10:15:00`, in UTC as everywhere. */
function clock(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ');
}
