/** How much work of an attempt was unsaved at the worst moment. */
export class UnsavedTime {
  private longestMs = 0;
  private savedUntil: number;

  /** @param now monotonic milliseconds. */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.savedUntil = now();
  }

  /** Training starts: nothing is unsaved. */
  begin(): void {
    this.savedUntil = this.now();
  }

  /** The state of that moment is committed now. */
  committed(capturedAt: number): void {
    this.longestMs = Math.max(this.longestMs, this.now() - this.savedUntil);
    this.savedUntil = Math.max(this.savedUntil, capturedAt);
  }

  /** Seconds, the present moment included. */
  get longestSeconds(): number {
    return Math.max(this.longestMs, this.now() - this.savedUntil) / 1000;
  }
}
