import { checkDatabase, type Database } from '@ktrdr/operations-prisma';
import type { Logger } from 'pino';

const REPORT_EVERY_MS = 10_000;

/** Asks PostgreSQL whether it answers, and says in the log what this process waits for. */
export class DatabaseWatch {
  private wasUp: boolean | undefined;
  private reportedAt = -Infinity;

  constructor(
    private readonly database: Pick<Database, '$queryRawUnsafe'>,
    /** Host and port, for the log. */
    private readonly address: string,
    private readonly log: Logger,
  ) {}

  async isUp(): Promise<boolean> {
    try {
      await checkDatabase(this.database);
      if (this.wasUp === false) this.log.info({ database: this.address }, 'database answers again');
      this.wasUp = true;
    } catch (error) {
      this.report(error);
      this.wasUp = false;
    }
    return this.wasUp;
  }

  private report(error: unknown): void {
    const now = performance.now();
    if (this.wasUp === false && now - this.reportedAt < REPORT_EVERY_MS) return;
    this.reportedAt = now;
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    this.log.warn({ database: this.address, reason }, 'waiting for the database');
  }
}
