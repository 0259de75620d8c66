import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import { CheckpointsModule } from '../checkpoints/checkpoints.module.js';
import { CleanUpCheckpoints } from '../checkpoints/clean-up-checkpoints.js';
import { OrphanSweeper } from '../checkpoints/orphan-sweeper.js';
import type { ApiConfig } from '../config.js';
import { BackgroundLoop } from '../platform/background-loop.js';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { CONFIG } from '../platform/tokens.js';
import { CheckpointExpiry } from './checkpoint-expiry.js';
import { CheckpointRetention } from './checkpoint-retention.js';
import { CheckpointReverifier } from './checkpoint-reverifier.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The loops that look after checkpoints. Every replica runs them; two at once do no harm, and long ones take turns. */
@Module({ imports: [CheckpointsModule] })
export class CheckpointUpkeepModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: readonly BackgroundLoop[];

  constructor(
    @Inject(CONFIG) config: ApiConfig,
    @Inject(CheckpointGarbageStore) collection: CheckpointGarbageStore,
    @Inject(PrismaCheckpointRepository) checkpoints: PrismaCheckpointRepository,
    @Inject(StoredCheckpoints) stored: StoredCheckpoints,
    @Inject(ServiceRecords) records: ServiceRecords,
    @Inject(CleanUpCheckpoints) cleanUp: CleanUpCheckpoints,
    @Inject(OrphanSweeper) orphans: OrphanSweeper,
    @Inject(PinoLogger) { logger }: PinoLogger,
  ) {
    const { orphanSweepMs, orphanGraceMs, reverifyMs, checkpointMaxAgeMs } = config;
    const retention = new CheckpointRetention(collection, checkpoints, stored, logger);
    const reverifier = new CheckpointReverifier(collection, checkpoints, stored, records, logger);
    const sweep = async (signal: AbortSignal): Promise<void> => {
      const swept = await orphans.sweepWhenDue(orphanSweepMs, { graceMs: orphanGraceMs, dryRun: false, signal });
      if (swept?.skipped) logger.warn({ reason: swept.skipped }, 'object store not swept');
      else if (swept) logger.info({ ...swept }, 'object store swept');
      const abandoned = await orphans.removeAbandonedWrites();
      if (abandoned > 0) logger.info({ abandoned }, 'abandoned writes removed');
    };
    const waitsFirst = true;
    this.loops = [
      new BackgroundLoop('checkpoint-retention', 5_000, (signal) => retention.turn(signal), logger),
      new BackgroundLoop('orphan-sweep', Math.min(MINUTE_MS, orphanSweepMs), sweep, logger, waitsFirst),
      new BackgroundLoop('checkpoint-reverify', reverifyMs, () => reverifier.turn(), logger, waitsFirst),
    ];
    if (checkpointMaxAgeMs !== null) {
      const expiry = new CheckpointExpiry(cleanUp, collection, checkpointMaxAgeMs, logger);
      this.loops = [...this.loops, new BackgroundLoop('checkpoint-expiry', HOUR_MS, () => expiry.turn(), logger)];
    }
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
