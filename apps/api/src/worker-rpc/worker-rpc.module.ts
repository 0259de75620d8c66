import { type BeforeApplicationShutdown, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
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
import { ForgedRequests } from './forged-requests.js';
import { WaitingWork } from './waiting-work.js';
import { workerRpcHandlers, type WorkerRpcParts } from './worker-rpc.handlers.js';

/** Batches of events that one replica keeps in memory. */
const HELD = { held: 32, heldBytes: 16 * 1024 * 1024 };

@Module({ imports: [LiveModule] })
export class WorkerRpcModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly servers: WorkerRpcServer[] = [];

  constructor(
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(CONFIG) private readonly config: ApiConfig,
    @Inject(ServiceMetrics) private readonly metrics: ServiceMetrics,
    @Inject(WorkerIdentities) private readonly identities: WorkerIdentities,
    @Inject(PinoLogger) private readonly log: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.messaging.whenConnected(({ session, events: eventSession }) => {
      const { events, ...others } = workerRpcHandlers(this.parts());
      const forgedRequests = new ForgedRequests(this.log.logger);
      const ports: ServerPorts = {
        identify: (nkey) => this.identities.of(nkey),
        onForged: (...forged) => forgedRequests.refused(...forged),
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

  private parts(): WorkerRpcParts {
    const get = <T>(what: (abstract new (...parameters: never[]) => T) | symbol): T =>
      this.modules.get<T>(what as never, { strict: false });
    const { leaseMs, heartbeatMs } = this.config;
    const [objects, failpoints, queue] = [get<ObjectStore>(OBJECT_STORE), get<Failpoints>(FAILPOINTS), get(WorkQueue)];
    return {
      operations: get(PrismaOperationStore),
      workers: get(WorkerRegistry),
      outcome: get(ReportOutcome),
      saveFailure: get(ReportSaveFailure),
      restoreFailure: get(ReportRestoreFailure),
      commit: new CommitCheckpoint(get(PrismaCheckpointRepository), objects, failpoints, (made) =>
        this.metrics.checkpointCommitted(made),
      ),
      queue,
      waiting: new WaitingWork(queue),
      hints: this.messaging,
      ingest: get(EventIngest),
      failpoints,
      leaseMs,
      heartbeatMs,
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
