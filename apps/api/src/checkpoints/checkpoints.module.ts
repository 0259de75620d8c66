import { Module } from '@nestjs/common';
import {
  CleanUpCheckpoints,
  ImportCheckpoint,
  type ObjectStore,
  ScheduledSweep,
  SweepOrphans,
} from '@ktrdr/checkpoint';
import {
  CheckpointGarbageStore,
  PrismaCheckpointImport,
  PrismaCheckpointRepository,
  ServiceRecords,
} from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { OperationsModule } from '../operations/operations.module.js';
import { CONFIG, OBJECT_STORE } from '../platform/tokens.js';
import { CheckpointExchangeController } from './checkpoint-exchange.controller.js';
import { CheckpointsController } from './checkpoints.controller.js';
import { CleanupController } from './cleanup.controller.js';

@Module({
  imports: [OperationsModule],
  controllers: [CleanupController, CheckpointExchangeController, CheckpointsController],
  providers: [
    {
      provide: CleanUpCheckpoints,
      inject: [CheckpointGarbageStore, OBJECT_STORE],
      useFactory: (garbage: CheckpointGarbageStore, objects: ObjectStore) => new CleanUpCheckpoints(garbage, objects),
    },
    {
      provide: ImportCheckpoint,
      inject: [PrismaCheckpointImport, OBJECT_STORE, CONFIG],
      useFactory: (imports: PrismaCheckpointImport, objects: ObjectStore, config: ApiConfig) =>
        new ImportCheckpoint(imports, objects, config),
    },
    {
      provide: ScheduledSweep,
      inject: [OBJECT_STORE, CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords],
      useFactory: (
        objects: ObjectStore,
        garbage: CheckpointGarbageStore,
        checkpoints: PrismaCheckpointRepository,
        records: ServiceRecords,
      ) => new ScheduledSweep(new SweepOrphans(objects, garbage, checkpoints, records), objects, records),
    },
  ],
  exports: [CleanUpCheckpoints, ScheduledSweep],
})
export class CheckpointsModule {}
