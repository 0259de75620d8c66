/** A program's own clock that only moves forward, in ms. */
export type MonotonicClock = () => number;

const REMEMBERED_MS = 600_000;
/** How long the quickest request counts. Afterwards a clock that stood still, in a machine that slept, is forgotten. */
const QUICKEST_OF_MS = 60_000;

interface Asker {
  /** Of the two latest spans of time: the least difference between the clock here and the asker's. */
  least: number;
  leastBefore: number;
  spanBeganAt: number;
  heardAt: number;
}

/**
 * How long requests have been under way, between clocks that are not synchronised. The quickest request of a client gives
 * the difference of the clocks; a request that takes longer has waited somewhere.
 */
export class RequestAges {
  private readonly askers = new Map<string, Asker>();
  private lookedAt = 0;

  constructor(private readonly now: MonotonicClock = () => performance.now()) {}

  /** In ms, of a request that arrives now. @param sentAt by the clock of the asker, a program's one run */
  ageOf(asker: string, sentAt: number): number {
    const now = this.now();
    this.forgetSilent(now);
    const difference = now - sentAt;
    const known = this.askers.get(asker) ?? {
      least: difference,
      leastBefore: difference,
      spanBeganAt: now,
      heardAt: now,
    };
    this.askers.set(asker, known);
    if (now - known.spanBeganAt > QUICKEST_OF_MS) {
      known.leastBefore = known.least;
      known.least = difference;
      known.spanBeganAt = now;
    }
    known.least = Math.min(known.least, difference);
    known.heardAt = now;
    return difference - Math.min(known.least, known.leastBefore);
  }

  private forgetSilent(now: number): void {
    if (now - this.lookedAt < REMEMBERED_MS) return;
    this.lookedAt = now;
    for (const [asker, { heardAt }] of this.askers) if (now - heardAt > REMEMBERED_MS) this.askers.delete(asker);
  }
}
