import type { Logger } from 'pino';

/** Does something every `everyMs` until stopped; a failure is logged once and tried again. */
export class BackgroundLoop {
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private isHurried = false;
  private lastFailure: string | undefined;

  constructor(
    private readonly name: string,
    /** After which the next turn begins; a function is asked after each. */
    private readonly everyMs: number | (() => number),
    private readonly turn: (signal: AbortSignal) => Promise<void>,
    private readonly log: Logger,
    /** Whether the first turn waits as long as every other. */
    private readonly waitsFirst = false,
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  /** Ends the wait before the next turn, or lets the one that is under way be followed by another at once. */
  hurry(): void {
    this.isHurried = true;
    this.wake?.();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.wake?.();
    await this.running;
  }

  private async run(): Promise<void> {
    if (this.waitsFirst) await this.pause();
    while (!this.stopped.signal.aborted) {
      try {
        await this.turn(this.stopped.signal);
        if (this.lastFailure) this.log.info({ loop: this.name }, 'background loop works again');
        this.lastFailure = undefined;
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        if (message !== this.lastFailure) this.log.warn({ loop: this.name, err: error }, 'background loop failed');
        this.lastFailure = message;
      }
      await this.pause();
    }
  }

  private async pause(): Promise<void> {
    if (this.stopped.signal.aborted) return;
    if (!this.isHurried) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, typeof this.everyMs === 'number' ? this.everyMs : this.everyMs());
      this.wake = resolve;
      await promise;
      clearTimeout(timer);
      this.wake = undefined;
    }
    this.isHurried = false;
  }
}
