import type { WorkerEvent } from '@ktrdr/contracts';
import { warningInPlaceOf, type QueuedEvent } from './queued-event.js';

/** What goes first where events are too many; what is in none of these stays. */
const THINNED: readonly (readonly WorkerEvent['body']['type'][])[] = [['progress', 'log'], ['metrics']];

const LEFT_OUT = 'Events from here on are left out: the worker could not deliver them, and keeps as many as it may';

/** The place of an event among what goes first; -1: it stays. */
export function thinnedRank({ type }: Pick<QueuedEvent, 'type'>): number {
  return THINNED.findIndex((types) => types.includes(type));
}

/** Says, in the place of an event, that it and others were left out. */
export function leftOut(event: QueuedEvent): QueuedEvent {
  return warningInPlaceOf(event, 'events-left-out', LEFT_OUT);
}

/**
 * Leaves out as many events as it takes, those of the first rank first, and of each attempt so many that those which
 * keep any keep alike. What stays is spread evenly; the first that goes says so.
 */
export class Thinning {
  private readonly sums: Map<string, number>[] = THINNED.map(() => new Map<string, number>());
  private keptBytes = 0;
  private shares: readonly number[] = [];
  private readonly carried = new Map<string, number>();
  private readonly marked = new Set<string>();
  dropped = 0;

  count(event: QueuedEvent): void {
    const sums = this.sums[thinnedRank(event)];
    if (sums) sums.set(event.key, (sums.get(event.key) ?? 0) + event.bytes);
    else this.keptBytes += event.bytes;
  }

  /** To be called once, when everything has been counted. */
  decide(totalBytes: number): void {
    let left = totalBytes - this.keptBytes;
    // The last rank is given room first, as it goes last.
    this.shares = this.sums
      .toReversed()
      .map((sums) => {
        const amounts = [...sums.values()];
        const share = fairShare(amounts, Math.max(0, left));
        left -= amounts.reduce((sum, bytes) => sum + Math.min(bytes, share), 0);
        return share;
      })
      .toReversed();
  }

  /** The event, what says that it is left out, or nothing. */
  pass(event: QueuedEvent): QueuedEvent | null {
    const rank = thinnedRank(event);
    const sum = this.sums[rank]?.get(event.key) ?? 0;
    const share = this.shares[rank] ?? Infinity;
    if (sum <= share) return event;
    const name = `${rank} ${event.key}`;
    const carried = (this.carried.get(name) ?? 0) + share / sum;
    this.carried.set(name, carried >= 1 ? carried - 1 : carried);
    if (carried >= 1) return event;
    this.dropped += 1;
    if (this.marked.has(event.key)) return null;
    this.marked.add(event.key);
    return leftOut(event);
  }
}

/** The most that each may keep so that together they keep no more than the total. */
export function fairShare(amounts: readonly number[], total: number): number {
  let left = total;
  for (const [index, amount] of amounts.toSorted((a, b) => a - b).entries()) {
    const share = left / (amounts.length - index);
    if (amount > share) return share;
    left -= amount;
  }
  return Infinity;
}
