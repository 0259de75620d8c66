import { Module } from '@nestjs/common';
import { BulkAction } from './bulk-action.js';
import { BulkController } from './bulk.controller.js';
import { ContinuationPresenter } from './continuation.presenter.js';
import { ContinuationsController } from './continuations.controller.js';
import { KnownWorkers } from './known-workers.js';
import { OperationPresenter } from './operation.presenter.js';
import { OperationQueries } from './operation-queries.js';
import { OperationRecordController } from './operation-record.controller.js';
import { OperationsController } from './operations.controller.js';

@Module({
  controllers: [BulkController, OperationsController, ContinuationsController, OperationRecordController],
  providers: [BulkAction, ContinuationPresenter, KnownWorkers, OperationPresenter, OperationQueries],
  exports: [OperationPresenter, OperationQueries],
})
export class OperationsModule {}
