import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import type { Failpoints } from '@ktrdr/failpoints';
import { WorkerRpcServer } from '@ktrdr/messaging-nats';
import { ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from '@ktrdr/operations';
import { EventLog, PrismaCheckpointRepository, PrismaOperationStore, WorkerRegistry } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import type { ApiConfig } from '../config.js';
import { ServiceMetrics } from '../metrics/service-metrics.js';
import { ForetoldWork } from '../platform/foretold-work.js';
import { Messaging } from '../platform/messaging.js';
import { CONFIG, FAILPOINTS, OBJECT_STORE } from '../platform/tokens.js';
import { CommitCheckpoint } from './commit-checkpoint.js';
import { ToldEvents } from './told-events.js';
import { workerRpcHandlers, type WorkerRpcParts } from './worker-rpc.handlers.js';

const PARTS = Symbol('WorkerRpcParts');

@Module({
  providers: [
    {
      provide: PARTS,
      inject: [
        PrismaOperationStore,
        PrismaCheckpointRepository,
        WorkerRegistry,
        ReportOutcome,
        ReportSaveFailure,
        ReportRestoreFailure,
        OBJECT_STORE,
        ServiceMetrics,
        CONFIG,
        FAILPOINTS,
        EventLog,
        ForetoldWork,
      ],
      useFactory: (
        operations: PrismaOperationStore,
        checkpoints: PrismaCheckpointRepository,
        workers: WorkerRegistry,
        outcome: ReportOutcome,
        saveFailure: ReportSaveFailure,
        restoreFailure: ReportRestoreFailure,
        objects: ObjectStore,
        metrics: ServiceMetrics,
        { leaseMs, heartbeatMs }: ApiConfig,
        failpoints: Failpoints,
        events: EventLog,
        foretold: ForetoldWork,
      ): WorkerRpcParts => ({
        operations,
        workers,
        outcome,
        saveFailure,
        restoreFailure,
        commit: new CommitCheckpoint(checkpoints, objects, failpoints, (made) => metrics.checkpointCommitted(made)),
        foretold,
        toldEvents: new ToldEvents(events),
        failpoints,
        leaseMs,
        heartbeatMs,
      }),
    },
  ],
})
export class WorkerRpcModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private server: WorkerRpcServer | undefined;

  constructor(
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(PARTS) private readonly parts: WorkerRpcParts,
    @Inject(PinoLogger) private readonly log: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.messaging.whenConnected((session) => {
      this.server = new WorkerRpcServer(session, workerRpcHandlers(this.parts), (method, error) =>
        this.log.error({ method, err: error }, 'worker rpc failed'),
      );
      this.server.start();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.server?.stop();
  }
}
