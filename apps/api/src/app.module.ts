import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Failpoints } from '@ktrdr/failpoints';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { BackgroundModule } from './background/background.module.js';
import { CheckpointUpkeepModule } from './background/checkpoint-upkeep.module.js';
import { CheckpointsModule } from './checkpoints/checkpoints.module.js';
import type { ApiConfig } from './config.js';
import { DocumentationModule } from './documentation/documentation.module.js';
import { HealthModule } from './health/health.module.js';
import { BearerTokenGuard } from './http/bearer-token.guard.js';
import { IdempotencyInterceptor } from './http/idempotency.interceptor.js';
import { ProblemFilter } from './http/problem.filter.js';
import { requestLogging } from './http/request-logging.js';
import { LiveModule } from './live/live.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { PlatformModule } from './platform/platform.module.js';
import { CONFIG, FAILPOINTS } from './platform/tokens.js';
import { MetricsModule } from './metrics/metrics.controller.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';
import { WorkerRpcModule } from './worker-rpc/worker-rpc.module.js';
import { WorkersModule } from './workers/workers.module.js';

@Global()
@Module({})
class SettingModule {}

@Module({
  imports: [
    PlatformModule,
    OperationsModule,
    CheckpointsModule,
    WorkersModule,
    WorkerRpcModule,
    BackgroundModule,
    CheckpointUpkeepModule,
    LiveModule,
    HealthModule,
    MetricsModule,
    WebhooksModule,
    DocumentationModule,
  ],
  providers: [
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_GUARD, useClass: BearerTokenGuard },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
  ],
})
export class AppModule {
  static with(config: ApiConfig, failpoints: Failpoints): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: FAILPOINTS, useValue: failpoints },
    ];
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(requestLogging(config.logLevel)),
        { module: SettingModule, providers, exports: [CONFIG, FAILPOINTS] },
      ],
    };
  }
}
