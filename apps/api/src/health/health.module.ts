import { Module } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import type { Database } from '@ktrdr/operations-prisma';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { PinoLogger } from 'nestjs-pino';
import { Messaging } from '../platform/messaging.js';
import { DATABASE, OBJECT_STORE } from '../platform/tokens.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [
    {
      provide: Readiness,
      useFactory: (
        health: HealthCheckService,
        indicators: HealthIndicatorService,
        database: Database,
        messaging: Messaging,
        objects: ObjectStore,
        { logger }: PinoLogger,
      ) => new Readiness(health, indicators, { database, messaging, objects }, logger),
      inject: [HealthCheckService, HealthIndicatorService, DATABASE, Messaging, OBJECT_STORE, PinoLogger],
    },
  ],
})
export class HealthModule {}
