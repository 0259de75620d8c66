import { ExplainOperation } from '@ktrdr/operations';
import { PrismaOperationStore } from '@ktrdr/operations-prisma';
import { Module } from '@nestjs/common';
import { BulkController } from './bulk.controller.js';
import { ContinuationPresenter } from './continuation.presenter.js';
import { ContinuationsController } from './continuations.controller.js';
import { KnownWorkers } from './known-workers.js';
import { OperationPresenter } from './operation.presenter.js';
import { OperationRecordController } from './operation-record.controller.js';
import { OperationsController } from './operations.controller.js';

@Module({
  controllers: [BulkController, OperationsController, ContinuationsController, OperationRecordController],
  providers: [
    ContinuationPresenter,
    KnownWorkers,
    OperationPresenter,
    {
      provide: ExplainOperation,
      inject: [PrismaOperationStore, KnownWorkers],
      useFactory: (operations: PrismaOperationStore, workers: KnownWorkers) =>
        new ExplainOperation(operations, workers),
    },
  ],
  exports: [OperationPresenter],
})
export class OperationsModule {}
