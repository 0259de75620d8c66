import { Module } from '@nestjs/common';
import { CheckpointsController } from './checkpoints.controller.js';

@Module({ controllers: [CheckpointsController] })
export class CheckpointsModule {}
