import type { ObjectStore } from '@ktrdr/checkpoint';
import { checkDatabase, type Database } from '@ktrdr/operations-prisma';
import type { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { Logger } from 'pino';
import type { Messaging } from '../platform/messaging.js';
import { ServiceNotReadyError } from './service-not-ready.js';

const CHECK_TIMEOUT_MS = 3_000;

/** Whether everything that this process needs answers; the log names each part when it goes and when it comes back. */
export class Readiness {
  private readonly reported = new Map<string, string>();

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly needs: {
      readonly database: Database;
      readonly messaging: Pick<Messaging, 'isConnected' | 'answers'>;
      readonly objects: Pick<ObjectStore, 'check'>;
    },
    private readonly log: Logger,
  ) {}

  /** @throws {ServiceNotReadyError} naming the parts that do not answer. */
  async check() {
    const { database, messaging, objects } = this.needs;
    try {
      const result = await this.health.check([
        () => this.part('database', () => checkDatabase(database)),
        () =>
          this.part('nats', async () => {
            if (!messaging.isConnected) throw new Error('not connected');
            if (!(await messaging.answers(CHECK_TIMEOUT_MS - 500)))
              throw new Error('connected, but it does not answer');
          }),
        () => this.part('object_store', () => objects.check()),
      ]);
      return { status: result.status, parts: result.details };
    } catch (error) {
      throw ServiceNotReadyError.from(error);
    }
  }

  private async part(key: string, check: () => Promise<unknown>) {
    const indicator = this.indicators.check(key);
    const late = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    const timeout = new Promise<never>((_resolve, reject) => {
      late.addEventListener('abort', () => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS / 1000} s`)));
    });
    try {
      await Promise.race([check(), timeout]);
      if (this.reported.delete(key)) this.log.info({ part: key }, 'ready again');
      return indicator.up();
    } catch (error) {
      const reason = error instanceof Error ? lastLine(error.message) : String(error);
      if (this.reported.get(key) !== reason) this.log.warn({ part: key, reason }, 'not ready');
      this.reported.set(key, reason);
      return indicator.down({ reason });
    }
  }
}

function lastLine(message: string): string {
  return message.trim().split('\n').at(-1)?.trim() ?? '';
}
