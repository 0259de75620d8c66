import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ExpireLeases, WatchProgress } from '@ktrdr/operations';
import { type Database, IdempotencyStore, WorkerIdentityStore, WorkerRegistry } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import type { ApiConfig } from '../config.js';
import { BackgroundLoop } from '../platform/background-loop.js';
import { BootstrapToken } from '../platform/bootstrap-token.js';
import { Messaging } from '../platform/messaging.js';
import { CONFIG, DATABASE } from '../platform/tokens.js';
import { DatabaseWatch } from './database-watch.js';
import { LeaseSweeper } from './lease-sweeper.js';

const HOUR_MS = 3_600_000;

/** The loops that every replica runs; they share the work through row locks and idempotent steps. */
@Module({})
export class BackgroundModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: readonly BackgroundLoop[];

  constructor(
    @Inject(CONFIG) config: ApiConfig,
    @Inject(DATABASE) database: Database,
    @Inject(Messaging) messaging: Messaging,
    @Inject(ExpireLeases) expire: ExpireLeases,
    @Inject(WatchProgress) progress: WatchProgress,
    @Inject(IdempotencyStore) keys: IdempotencyStore,
    @Inject(WorkerRegistry) workers: WorkerRegistry,
    @Inject(WorkerIdentityStore) identities: WorkerIdentityStore,
    @Inject(BootstrapToken) bootstrap: BootstrapToken,
    @Inject(PinoLogger) { logger }: PinoLogger,
  ) {
    const watch = new DatabaseWatch(database, hostOf(config.databaseUrl), logger);
    const sweeper = new LeaseSweeper(
      expire,
      {
        isMessagingUp: (withinMs) => messaging.answers(withinMs),
        isDatabaseUp: () => watch.isUp(),
        droppedAgoMs: () => messaging.droppedAgoMs(),
        monotonicMs: () => performance.now(),
      },
      {
        leaseMs: config.leaseMs,
        heartbeatMs: config.heartbeatMs,
        cancellingMs: config.cancelTimeoutMs,
        pausingMs: config.pauseTimeoutMs,
      },
      logger,
    );
    const loop = (name: string, everyMs: number, turn: () => Promise<void>) =>
      new BackgroundLoop(name, everyMs, turn, logger);
    this.loops = [
      loop('bootstrap-token', 1_000, () => bootstrap.ensure()),
      loop('lease-sweeper', 250, () => sweeper.turn()),
      loop('progress-watch', 1_000, async () => {
        for (const { id, workerId } of await progress.execute(new Date(), config.leaseMs))
          logger.warn({ operationId: id, workerId }, 'operation stuck');
      }),
      loop('forgetting', HOUR_MS, async () => {
        await keys.forgetOld();
        await workers.forgetSilent(24 * HOUR_MS);
        await identities.forgetEnded(30 * 24 * HOUR_MS);
      }),
    ];
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'KTRDR_DATABASE_URL';
}
