import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { ObjectStore } from '@ktrdr/checkpoint';
import type { Failpoints } from '@ktrdr/failpoints';
import { type ServerPorts, WorkerRpcServer } from '@ktrdr/messaging-nats';
import { ReportOutcome, ReportRestoreFailure, ReportSaveFailure } from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore, WorkerRegistry, WorkQueue } from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import type { ApiConfig } from '../config.js';
import { EventIngest } from '../live/event-ingest.js';
import { LiveModule } from '../live/live.module.js';
import { ServiceMetrics } from '../metrics/service-metrics.js';
import { Messaging } from '../platform/messaging.js';
import { CONFIG, FAILPOINTS, OBJECT_STORE } from '../platform/tokens.js';
import { WorkerIdentities } from '../platform/worker-identities.js';
import { CommitCheckpoint } from './commit-checkpoint.js';
import { WaitingWork } from './waiting-work.js';
import { workerRpcHandlers, type WorkerRpcParts } from './worker-rpc.handlers.js';

const PARTS = Symbol('WorkerRpcParts');
/** Batches of events that one replica keeps in memory. */
const HELD = { held: 32, heldBytes: 16 * 1024 * 1024 };

@Module({
  imports: [LiveModule],
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
        EventIngest,
        WorkQueue,
        Messaging,
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
        ingest: EventIngest,
        queue: WorkQueue,
        hints: Messaging,
      ): WorkerRpcParts => ({
        operations,
        workers,
        outcome,
        saveFailure,
        restoreFailure,
        commit: new CommitCheckpoint(checkpoints, objects, failpoints, (made) => metrics.checkpointCommitted(made)),
        queue,
        waiting: new WaitingWork(queue),
        hints,
        ingest,
        failpoints,
        leaseMs,
        heartbeatMs,
      }),
    },
  ],
})
export class WorkerRpcModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly servers: WorkerRpcServer[] = [];

  constructor(
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(PARTS) private readonly parts: WorkerRpcParts,
    @Inject(CONFIG) private readonly config: ApiConfig,
    @Inject(ServiceMetrics) private readonly metrics: ServiceMetrics,
    @Inject(WorkerIdentities) private readonly identities: WorkerIdentities,
    @Inject(PinoLogger) private readonly log: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.messaging.whenConnected(({ session, events: eventSession }) => {
      const { events, ...others } = workerRpcHandlers(this.parts);
      const ports: ServerPorts = {
        identify: (nkey) => this.identities.of(nkey),
        onForged: (nkey, method, what) => this.log.warn({ nkey, method, what }, 'forged worker rpc refused'),
        onError: (method, error) => this.log.error({ method, err: error }, 'worker rpc failed'),
        onDropped: (method) => {
          this.metrics.requestDropped(method);
          if (method === 'heartbeat') this.messaging.heartbeatDropped();
        },
      };
      // Whatever else needs the database finds a connection, however many events there are.
      const atOnce = Math.max(1, this.config.databaseConnections >> 1);
      this.servers.push(
        new WorkerRpcServer(session, others, ports),
        new WorkerRpcServer(eventSession, { events }, ports, { atOnce, ...HELD }),
      );
      for (const server of this.servers) server.start();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
