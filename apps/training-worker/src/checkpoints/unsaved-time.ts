/** How much work of an attempt was unsaved at the worst moment. */
export class UnprotectedTime {
  private longestMs = 0;
  private protectedUntil: number;

  /** @param now monotonic milliseconds; at the beginning nothing is unsaved. */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.protectedUntil = now();
  }

  /** The state of that moment is committed now. */
  committed(capturedAt: number): void {
    this.longestMs = Math.max(this.longestMs, this.now() - this.protectedUntil);
    this.protectedUntil = Math.max(this.protectedUntil, capturedAt);
  }

  addedTo<Event extends object>(event: Event): Event & { readonly longest_unprotected_seconds: number } {
    return { ...event, longest_unprotected_seconds: this.longestSeconds };
  }

  /** Seconds, the present moment included. */
  get longestSeconds(): number {
    return Math.max(this.longestMs, this.now() - this.protectedUntil) / 1000;
  }
}
