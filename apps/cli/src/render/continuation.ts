import type { ForkedView, ResumedView } from '@ktrdr/contracts';
import { isLeased } from '@ktrdr/operations/model';
import { placeOf } from './words/checkpoint-facts.js';
import type { Block, Row } from './words/parts.js';
import { renderChange } from './words/spec-changes.js';
import { statusCell, unschedulableRows } from './words/status.js';
import { quantity } from './words/units.js';

export interface Chosen {
  /** The choices of the command line, for the command that a dry run suggests. */
  readonly choices?: string;
  /** Every byte of the checkpoint was hashed. */
  readonly isDeep?: boolean;
}

export function renderResumed(resumed: ResumedView, now: Date, { choices = '', isDeep = false }: Chosen = {}): Block {
  const { operation_id: id, status, queue_position, dry_run: isDryRun, fell_back_from: corrupted } = resumed;
  const isWithdrawal = !isDryRun && isLeased(status);
  return {
    title: isDryRun ? `Would resume ${id} (nothing was changed)` : `${isWithdrawal ? 'Continues' : 'Resumed'} ${id}`,
    rows: [
      { label: 'status', value: statusCell(status, queue_position) },
      { label: 'from', value: isWithdrawal ? 'where it is: the pause was withdrawn' : origin(resumed, now) },
      { label: 'changed', value: resumed.changes.map(renderChange) },
      fallback(corrupted),
      { label: 'hashed', value: isDeep && resumed.resumed_from ? 'every byte of it' : null },
      ...(resumed.resumed_from ? guaranteeRows(resumed) : []),
      ...unschedulableRows(resumed.no_fitting_worker),
      isDryRun
        ? { label: 'resume', value: `ktrdr operations resume ${id}${choices}${corrupted ? ' --allow-fallback' : ''}` }
        : { label: 'watch', value: `ktrdr operations watch ${id}` },
    ],
  };
}

export function renderForked(forked: ForkedView, now: Date, { choices = '' }: Chosen = {}): Block {
  const { operation_id: id, status, queue_position, forked_from: from, fell_back_from: corrupted } = forked;
  const command = `ktrdr operations fork ${from.operation_id}${choices}${corrupted ? ' --allow-fallback' : ''}`;
  return {
    title: id ? `Forked ${id}` : `Would fork ${from.operation_id} (nothing was made)`,
    rows: [
      { label: 'name', value: forked.name },
      { label: 'status', value: status && statusCell(status, queue_position) },
      { label: 'from', value: `${placeOf(from, now)} of ${from.operation_id}, which is ${from.status}` },
      { label: 'changed', value: forked.changes.map(renderChange) },
      fallback(corrupted),
      ...guaranteeRows(forked),
      ...unschedulableRows(forked.no_fitting_worker),
      id ? { label: 'watch', value: `ktrdr operations watch ${id}` } : { label: 'fork', value: command },
    ],
  };
}

function fallback(corrupted: string | null): Row {
  return { label: 'fallback', value: corrupted && { text: `from ${corrupted}, which is corrupted`, tone: 'waiting' } };
}

/** The guarantee about the numbers where it is less than equality, and what changed since the checkpoint. */
function guaranteeRows({ guarantee, drift }: Pick<ResumedView, 'guarantee' | 'drift'>): Row[] {
  const { level, detail } = guarantee;
  return [
    { label: 'guarantee', value: level === 'bit-exact' ? null : { text: `${level}: ${detail}`, tone: 'waiting' } },
    { label: 'drift', value: drift.map(({ what, checkpoint, now }) => `${what} ${checkpoint} → ${now}`) },
  ];
}

function origin({ resumed_from: from, lost_steps: lost }: ResumedView, now: Date): string {
  if (!from) return 'the beginning: it had not trained yet';
  return `${placeOf(from, now)}, ${lost > 0 ? `${quantity(lost, 'step')} lost` : 'nothing lost'}`;
}
