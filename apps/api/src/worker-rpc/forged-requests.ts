import type { Logger } from 'pino';

const FORGET_MS = 60_000;

/** Logs requests that no worker of ours sends: of each key and method the first in a minute, as there may be any number. */
export class ForgedRequests {
  private readonly logged = new Set<string>();
  private since = -Infinity;

  constructor(
    private readonly log: Pick<Logger, 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param what is wrong with it */
  refused(nkey: string, method: string, what: string): void {
    const now = this.now();
    if (now - this.since >= FORGET_MS) {
      this.since = now;
      this.logged.clear();
    }
    const name = `${nkey} ${method}`;
    if (this.logged.has(name)) return;
    this.logged.add(name);
    this.log.warn({ nkey, method, what }, 'forged worker rpc refused; others like it are not logged for a minute');
  }
}
