import type { ForkedView, ResumedView } from '@ktrdr/contracts';
import { isLeased } from '@ktrdr/operations/model';
import { position } from './words/figures.js';
import { block, type Row } from './terminal/layout.js';
import { noWorkerRows } from './words/no-worker.js';
import type { RenderContext } from './operation-detail.js';
import { renderChange } from './words/spec-changes.js';
import { statusCell } from './words/status.js';
import { age, quantity } from './words/units.js';

export interface ContinuationContext extends RenderContext {
  /** What was chosen on the command line, to be repeated in the command that a rehearsal suggests. */
  readonly choices?: string;
  /** Every byte was hashed for it. */
  readonly isDeep?: boolean;
}

export function renderResumed(resumed: ResumedView, context: ContinuationContext): string {
  const { paint, now, choices = '', isDeep = false } = context;
  const { operation_id: id, status, queue_position, dry_run: isDryRun, fell_back_from: corrupted } = resumed;
  const isWithdrawal = !isDryRun && isLeased(status);
  const title = isDryRun
    ? `Would resume ${id} (nothing was changed)`
    : `${isWithdrawal ? 'Continues' : 'Resumed'} ${id}`;
  const rows: Row[] = [
    { label: 'status', value: statusCell(status, queue_position) },
    { label: 'from', value: isWithdrawal ? 'where it is: the pause was withdrawn' : origin(resumed, now) },
    { label: 'changed', value: resumed.changes.map(renderChange) },
    insteadOf(corrupted),
    { label: 'hashed', value: isDeep && resumed.resumed_from ? 'every byte of it' : null },
    ...(resumed.resumed_from ? promise(resumed) : []),
    ...noWorkerRows(resumed.no_fitting_worker),
    isDryRun
      ? { label: 'resume', value: `ktrdr operations resume ${id}${choices}${corrupted ? ' --allow-fallback' : ''}` }
      : { label: 'watch', value: `ktrdr operations watch ${id}` },
  ];
  return block(title, rows, paint);
}

export function renderForked(forked: ForkedView, { paint, now, choices = '' }: ContinuationContext): string {
  const { operation_id: id, name, status, queue_position, forked_from: from, fell_back_from: corrupted } = forked;
  const where = `${position(from)} (${from.checkpoint_type} checkpoint of ${age(from.created_at, now)})`;
  const rows: Row[] = [
    { label: 'name', value: name },
    { label: 'status', value: status && statusCell(status, queue_position) },
    { label: 'from', value: `${where} of ${from.operation_id}, which is ${from.status}` },
    { label: 'changed', value: forked.changes.map(renderChange) },
    insteadOf(corrupted),
    ...promise(forked),
    ...noWorkerRows(forked.no_fitting_worker),
    id
      ? { label: 'watch', value: `ktrdr operations watch ${id}` }
      : {
          label: 'fork',
          value: `ktrdr operations fork ${from.operation_id}${choices}${corrupted ? ' --allow-fallback' : ''}`,
        },
  ];
  return block(id ? `Forked ${id}` : `Would fork ${from.operation_id} (nothing was made)`, rows, paint);
}

function insteadOf(corrupted: string | null): Row {
  return { label: 'instead', value: corrupted && { text: `of ${corrupted}, which is corrupted`, tone: 'waiting' } };
}

/** What is promised of the numbers, where it is less than equality, and what differs. */
function promise({ guarantee, drift }: Pick<ResumedView, 'guarantee' | 'drift'>): Row[] {
  const isExact = guarantee.level === 'bit-exact';
  return [
    { label: 'promise', value: isExact ? null : { text: `${guarantee.level}: ${guarantee.detail}`, tone: 'waiting' } },
    { label: 'differs', value: drift.map(({ what, checkpoint, now }) => `${what} ${checkpoint} → ${now}`) },
  ];
}

function origin({ resumed_from: from, lost_steps: lost }: ResumedView, now: Date): string {
  if (!from) return 'the beginning: it had not trained yet';
  const cost = lost > 0 ? `${quantity(lost, 'step')} lost` : 'nothing lost';
  return `${position(from)} (${from.checkpoint_type} checkpoint of ${age(from.created_at, now)}), ${cost}`;
}
