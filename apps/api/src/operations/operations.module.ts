import { Module } from '@nestjs/common';
import { BulkAction } from './bulk-action.js';
import { BulkController } from './bulk.controller.js';
import { OperationPresenter } from './operation.presenter.js';
import { OperationQueries } from './operation-queries.js';
import { OperationRecordController } from './operation-record.controller.js';
import { OperationsController } from './operations.controller.js';

@Module({
  controllers: [BulkController, OperationsController, OperationRecordController],
  providers: [BulkAction, OperationPresenter, OperationQueries],
  exports: [OperationPresenter, OperationQueries],
})
export class OperationsModule {}
