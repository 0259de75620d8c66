import type { Running } from './processes.js';

/** More deaths than these are no test any more. */
const MOST_DEATHS = 30;

/** A process that is started again whenever it has ended, until `end`. */
export class Revived {
  private isEnding = false;
  private present: Running | undefined;
  private count = 0;
  /** Settles when it is not started any more; rejects when that is because it never stays. */
  readonly kept: Promise<void>;

  /** @param start may fail when the process ended before it was ready: then it is started again too. */
  constructor(private readonly start: () => Promise<Running>) {
    this.kept = this.keep();
    this.kept.catch(() => undefined); // told by `end` too
  }

  get deaths(): number {
    return this.count;
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await this.present?.kill();
    await this.kept;
  }

  private async keep(): Promise<void> {
    while (!this.isEnding) {
      try {
        this.present = await this.start();
        if (this.isEnding) await this.present.kill();
        await this.present.exited;
      } catch (error) {
        if (this.count === MOST_DEATHS) throw error;
      }
      if (!this.isEnding) this.count += 1;
    }
  }
}
