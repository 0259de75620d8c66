import { Module } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import { PrismaCheckpointCollection, PrismaCheckpointRepository, ServiceRecords } from '@ktrdr/operations-prisma';
import { StoredCheckpoints } from '../platform/stored-checkpoints.js';
import { OBJECT_STORE } from '../platform/tokens.js';
import { CheckpointsController } from './checkpoints.controller.js';
import { CleanUpCheckpoints } from './clean-up-checkpoints.js';
import { CleanupController } from './cleanup.controller.js';
import { OrphanSweeper } from './orphan-sweeper.js';

@Module({
  controllers: [CleanupController, CheckpointsController],
  providers: [
    {
      provide: CleanUpCheckpoints,
      inject: [PrismaCheckpointCollection, StoredCheckpoints],
      useFactory: (collection: PrismaCheckpointCollection, stored: StoredCheckpoints) =>
        new CleanUpCheckpoints(collection, stored),
    },
    {
      provide: OrphanSweeper,
      inject: [OBJECT_STORE, PrismaCheckpointCollection, PrismaCheckpointRepository, ServiceRecords],
      useFactory: (
        objects: ObjectStore,
        collection: PrismaCheckpointCollection,
        checkpoints: PrismaCheckpointRepository,
        records: ServiceRecords,
      ) => new OrphanSweeper(objects, collection, checkpoints, records),
    },
  ],
  exports: [CleanUpCheckpoints, OrphanSweeper],
})
export class CheckpointsModule {}
