import { Module } from '@nestjs/common';
import { EnrolmentsController } from './enrolments.controller.js';
import { IdentitiesController } from './identities.controller.js';
import { WorkersController } from './workers.controller.js';

@Module({ controllers: [WorkersController, EnrolmentsController, IdentitiesController] })
export class WorkersModule {}
