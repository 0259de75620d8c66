import { Controller, Get, HttpCode, Inject } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { Module } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import { checkDatabase, type Database } from '@ktrdr/operations-prisma';
import { Public } from '../http/bearer-token.guard.js';
import { Messaging } from '../platform/messaging.js';
import { DATABASE, OBJECT_STORE } from '../platform/tokens.js';
import { ServiceNotReadyError } from './service-not-ready.js';

const CHECK_TIMEOUT_MS = 3_000;

/** `live`: this process answers. `ready`: everything that it needs answers too, each part named. */
@Controller('health')
@Public()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(OBJECT_STORE) private readonly objects: ObjectStore,
  ) {}

  @Get('live')
  @HttpCode(200)
  live() {
    return { status: 'ok' };
  }

  @Get('ready')
  async ready() {
    try {
      const result = await this.health.check([
        () => this.part('database', () => checkDatabase(this.database)),
        () =>
          this.part('nats', async () => {
            if (!this.messaging.isConnected) throw new Error('not connected');
            if (!(await this.messaging.answers(CHECK_TIMEOUT_MS - 500)))
              throw new Error('connected, but it does not answer');
          }),
        () => this.part('object_store', () => this.objects.check()),
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
      return indicator.up();
    } catch (error) {
      return indicator.down({ reason: error instanceof Error ? firstLine(error.message) : String(error) });
    }
  }
}

function firstLine(message: string): string {
  return message.trim().split('\n').at(-1)?.trim() ?? '';
}

@Module({ imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] })
export class HealthModule {}
