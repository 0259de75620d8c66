import { Module } from '@nestjs/common';
import { OperationPresenter } from './operation.presenter.js';
import { OperationQueries } from './operation-queries.js';
import { OperationRecordController } from './operation-record.controller.js';
import { OperationsController } from './operations.controller.js';

@Module({
  controllers: [OperationsController, OperationRecordController],
  providers: [OperationPresenter, OperationQueries],
  exports: [OperationPresenter],
})
export class OperationsModule {}
