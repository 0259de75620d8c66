import type { OperationView } from '@ktrdr/contracts';
import type { HistoryEntry } from '@ktrdr/operations';

type PastPause = OperationView['pauses'][number];

/**
 * Every pause of one operation, told by whoever asked for it: its worker only carries it out.
 * @param entries requests for a pause and moves to `paused`, oldest first
 */
export function toPastPauses(entries: readonly HistoryEntry[]): PastPause[] {
  return entries.flatMap((entry, index) => {
    if (entry.to !== 'paused') return [];
    const asked = entry.from === 'pausing' ? entries.slice(0, index).findLast(({ event }) => event === 'pause') : entry;
    return [toPastPause(entry, asked ?? entry)];
  });
}

function toPastPause({ at, details }: HistoryEntry, asked: HistoryEntry): PastPause {
  const { step, epoch } = details as { step?: number; epoch?: number };
  const { cause } = asked.details as { cause?: string };
  return {
    paused_at: at.toISOString(),
    actor: asked.actor,
    reason: asked.reason,
    cause: cause ?? null,
    step: step ?? 0,
    epoch: epoch ?? 0,
  };
}
