import { Module } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import {
  CheckpointGarbageStore,
  PrismaCheckpointImport,
  PrismaCheckpointRepository,
  ServiceRecords,
} from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { OperationsModule } from '../operations/operations.module.js';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { CONFIG, OBJECT_STORE } from '../platform/tokens.js';
import { CheckpointExchangeController } from './checkpoint-exchange.controller.js';
import { CheckpointsController } from './checkpoints.controller.js';
import { CleanUpCheckpoints } from './clean-up-checkpoints.js';
import { CleanupController } from './cleanup.controller.js';
import { ImportCheckpoint } from './import-checkpoint.js';
import { OrphanSweeper } from './orphan-sweeper.js';

@Module({
  imports: [OperationsModule],
  controllers: [CleanupController, CheckpointExchangeController, CheckpointsController],
  providers: [
    {
      provide: CleanUpCheckpoints,
      inject: [CheckpointGarbageStore, StoredCheckpoints],
      useFactory: (collection: CheckpointGarbageStore, stored: StoredCheckpoints) =>
        new CleanUpCheckpoints(collection, stored),
    },
    {
      provide: ImportCheckpoint,
      inject: [PrismaCheckpointImport, OBJECT_STORE, CONFIG],
      useFactory: (imports: PrismaCheckpointImport, objects: ObjectStore, config: ApiConfig) =>
        new ImportCheckpoint(imports, objects, config),
    },
    {
      provide: OrphanSweeper,
      inject: [OBJECT_STORE, CheckpointGarbageStore, PrismaCheckpointRepository, ServiceRecords],
      useFactory: (
        objects: ObjectStore,
        collection: CheckpointGarbageStore,
        checkpoints: PrismaCheckpointRepository,
        records: ServiceRecords,
      ) => new OrphanSweeper(objects, collection, checkpoints, records),
    },
  ],
  exports: [CleanUpCheckpoints, OrphanSweeper],
})
export class CheckpointsModule {}
