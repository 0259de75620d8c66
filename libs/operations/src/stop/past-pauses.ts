import type { Position } from '../model/checkpoint.js';
import type { HistoryEntry } from '../model/records.js';

export interface PastPause extends Position {
  readonly pausedAt: Date;
  readonly actor: string;
  readonly reason: string | null;
  readonly cause: string | null;
}

/**
 * Every pause of one operation, with the actor, reason and cause of its request: its worker only carries it out.
 * @param entries requests for a pause and moves to `paused`, oldest first
 */
export function pastPauses(entries: readonly HistoryEntry[]): readonly PastPause[] {
  return entries.flatMap((entry, index) => {
    if (entry.to !== 'paused') return [];
    const asked = entry.from === 'pausing' ? entries.slice(0, index).findLast(({ event }) => event === 'pause') : entry;
    return [toPastPause(entry, asked ?? entry)];
  });
}

function toPastPause({ at, details }: HistoryEntry, { actor, reason, details: asked }: HistoryEntry): PastPause {
  const { step = 0, epoch = 0 } = details as Partial<Position>;
  const { cause = null } = asked as { readonly cause?: string };
  return { pausedAt: at, actor, reason, cause, step, epoch };
}
