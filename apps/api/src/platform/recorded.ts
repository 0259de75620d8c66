const AT_MOST_EVERY_MS = 20;

/** Notifies event streams after a commit that wrote events: at once, then at most every 20 ms. */
export class Recorded {
  private readonly listeners = new Set<() => void>();
  private isResting = false;
  private isDue = false;

  constructor(
    private readonly after: (ms: number, work: () => void) => void = (ms, work) => void setTimeout(work, ms),
  ) {}

  listen(listener: () => void): void {
    this.listeners.add(listener);
  }

  tell(): void {
    this.isDue = true;
    if (!this.isResting) this.pass();
  }

  private pass(): void {
    this.isResting = this.isDue;
    if (!this.isDue) return;
    this.isDue = false;
    for (const listener of this.listeners) listener();
    this.after(AT_MOST_EVERY_MS, () => this.pass());
  }
}
