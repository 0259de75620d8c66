/** Decides which steps are worth an event, and how fast training is. */
export class ProgressMeter {
  private lastAt: number;
  private examples = 0;
  private isFirst = true;

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly intervalMs = 200,
  ) {
    this.lastAt = now();
  }

  count(examples: number): void {
    this.examples += examples;
  }

  /** True for the first step, for a forced one, and otherwise once an interval. */
  isWorthTelling(isForced: boolean): boolean {
    return this.isFirst || isForced || this.now() - this.lastAt >= this.intervalMs;
  }

  /** Samples a second since the last call; null when no time has passed. */
  takeRate(): number | null {
    const elapsed = this.now() - this.lastAt;
    const rate = elapsed > 0 ? (this.examples * 1000) / elapsed : null;
    this.examples = 0;
    this.lastAt = this.now();
    this.isFirst = false;
    return rate;
  }
}
