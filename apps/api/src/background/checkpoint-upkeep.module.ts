import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import {
  CleanUpCheckpoints,
  ExpireCheckpoints,
  type ObjectStore,
  RetireCheckpoints,
  ScheduledSweep,
} from '@ktrdr/checkpoint';
import { CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import { CheckpointsModule } from '../checkpoints/checkpoints.module.js';
import type { ApiConfig } from '../config.js';
import { BackgroundLoop } from '../platform/background-loop.js';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { CONFIG, OBJECT_STORE } from '../platform/tokens.js';
import { CheckpointReverifier } from './checkpoint-reverifier.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The loops that look after checkpoints. Every replica runs them; two at once do no harm, and long ones take turns. */
@Module({ imports: [CheckpointsModule] })
export class CheckpointUpkeepModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: readonly BackgroundLoop[];

  constructor(
    @Inject(CONFIG) config: ApiConfig,
    @Inject(CheckpointGarbageStore) garbage: CheckpointGarbageStore,
    @Inject(PrismaCheckpointRepository) checkpoints: PrismaCheckpointRepository,
    @Inject(OBJECT_STORE) objects: ObjectStore,
    @Inject(StoredCheckpoints) stored: StoredCheckpoints,
    @Inject(ServiceRecords) records: ServiceRecords,
    @Inject(CleanUpCheckpoints) cleanUp: CleanUpCheckpoints,
    @Inject(ScheduledSweep) orphans: ScheduledSweep,
    @Inject(PinoLogger) { logger }: PinoLogger,
  ) {
    const { orphanSweepMs, orphanGraceMs, reverifyMs, checkpointMaxAgeMs } = config;
    const retention = new RetireCheckpoints(garbage, checkpoints, objects);
    const reverifier = new CheckpointReverifier(garbage, checkpoints, stored, records, logger);
    const retire = async (signal: AbortSignal): Promise<void> => {
      for (const { id, operationId, step } of await retention.mark())
        logger.info({ operationId, checkpointId: id, step }, 'checkpoint retired');
      await retention.eraseMarked(signal);
    };
    const sweep = async (signal: AbortSignal): Promise<void> => {
      const now = Date.now();
      const request = { modifiedBefore: new Date(now - orphanGraceMs), dryRun: false, signal };
      const swept = await orphans.sweepWhenDue(orphanSweepMs, request);
      if (swept?.skipped) logger.warn({ reason: swept.skipped }, 'object store not swept');
      else if (swept) logger.info({ ...swept }, 'object store swept');
      const abandoned = await orphans.removeAbandonedWrites(new Date(now));
      if (abandoned > 0) logger.info({ abandoned }, 'abandoned writes removed');
    };
    const waitsFirst = true;
    this.loops = [
      new BackgroundLoop('checkpoint-retention', 5_000, retire, logger),
      new BackgroundLoop('orphan-sweep', Math.min(MINUTE_MS, orphanSweepMs), sweep, logger, waitsFirst),
      new BackgroundLoop('checkpoint-reverify', reverifyMs, () => reverifier.turn(), logger, waitsFirst),
    ];
    if (checkpointMaxAgeMs !== null) {
      const expiry = new ExpireCheckpoints(cleanUp, garbage, checkpointMaxAgeMs);
      const expire = async (): Promise<void> => {
        for (const { id, operationId } of await expiry.execute(new Date()))
          logger.info({ operationId, checkpointId: id }, 'checkpoint expired');
      };
      this.loops = [...this.loops, new BackgroundLoop('checkpoint-expiry', HOUR_MS, expire, logger)];
    }
  }

  onApplicationBootstrap(): void {
    for (const loop of this.loops) loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }
}
