/** Longer than writing a batch takes. */
const LATE_AFTER_MS = 1_000;

/**
 * Whether what workers tell is written as soon as it comes. While it is not, the silence about an operation is ours and
 * says nothing about its trainer.
 */
export class TimelyIngest {
  private begunAt: number | undefined;
  private caughtUpAt = -Infinity;

  constructor(private readonly monotonicMs: () => number) {}

  /** Writes one batch; one that failed is begun once, however often it is tried again. */
  async write(batch: () => Promise<void>): Promise<void> {
    this.begunAt ??= this.monotonicMs();
    await batch();
    const now = this.monotonicMs();
    if (now - this.begunAt > LATE_AFTER_MS) this.caughtUpAt = now;
    this.begunAt = undefined;
  }

  /** For how long everything has been written in time. */
  forMs(): number {
    const now = this.monotonicMs();
    if (this.begunAt !== undefined && now - this.begunAt > LATE_AFTER_MS) return 0;
    return now - this.caughtUpAt;
  }
}
