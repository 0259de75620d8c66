import { Global, Module, type OnApplicationShutdown, Inject } from '@nestjs/common';
import { CheckpointStore, type ObjectStore } from '@ktrdr/checkpoint';
import type { Failpoints } from '@ktrdr/failpoints';
import { openObjectStore, SmallFiles } from '@ktrdr/object-store';
import {
  BulkAction,
  CancelOperation,
  DeleteCheckpoint,
  DeleteOperation,
  ExpireLeases,
  ForkOperation,
  PauseOperation,
  PrioritiseOperation,
  ReportOutcome,
  ReportRestoreFailure,
  ReportSaveFailure,
  ResumeOperation,
  SubmitOperation,
  WatchProgress,
} from '@ktrdr/operations';
import {
  ApiTokenStore,
  type Database,
  EventLog,
  IdempotencyStore,
  openDatabase,
  CheckpointGarbageStore,
  PrismaCheckpointImport,
  PrismaCheckpointRepository,
  PrismaForkStore,
  OperationRecords,
  PrismaOperationStore,
  ServiceRecords,
  WebhookStore,
  WorkerIdentityStore,
  WorkerRegistry,
  WorkQueue,
} from '@ktrdr/operations-prisma';
import { PinoLogger } from 'nestjs-pino';
import type { ApiConfig } from '../config.js';
import { ServiceMetrics } from '../metrics/service-metrics.js';
import { BootstrapToken } from './bootstrap-token.js';
import { Messaging } from './messaging.js';
import { Recorded } from './recorded.js';
import { StoredCheckpoints } from './stored-checkpoints.js';
import { WorkerEnrolment } from '../workers/worker-enrolment.js';
import { WorkerIdentities } from './worker-identities.js';
import { CONFIG, DATABASE, FAILPOINTS, OBJECT_STORE } from './tokens.js';

type Constructor = abstract new (...parameters: never[]) => unknown;

/** A plain class whose constructor takes these, in this order. */
function provide<T>(type: new (...parameters: never[]) => T, ...inject: (Constructor | symbol)[]) {
  const make = type as unknown as new (...parameters: unknown[]) => T;
  return { provide: type, inject, useFactory: (...parameters: unknown[]) => new make(...parameters) };
}

const providers = [
  { provide: Recorded, useFactory: () => new Recorded() },
  {
    provide: DATABASE,
    inject: [CONFIG, Recorded],
    useFactory: ({ databaseUrl, databaseConnections }: ApiConfig, recorded: Recorded) =>
      openDatabase({ url: databaseUrl, connections: databaseConnections, onRecorded: () => recorded.tell() }),
  },
  provide(SmallFiles),
  {
    provide: OBJECT_STORE,
    inject: [CONFIG, SmallFiles],
    useFactory: ({ objectStore: { url, ...options } }: ApiConfig, smallFiles: SmallFiles): ObjectStore =>
      openObjectStore(url, { ...options, smallFiles }),
  },
  {
    provide: Messaging,
    inject: [CONFIG, WorkerIdentities, PinoLogger, FAILPOINTS],
    useFactory: ({ nats }: ApiConfig, identities: WorkerIdentities, { logger }: PinoLogger, failpoints: Failpoints) =>
      new Messaging(nats, identities, logger, failpoints),
  },
  {
    provide: ServiceMetrics,
    inject: [DATABASE, CONFIG],
    useFactory: (database: Database, { leaseMs }: ApiConfig) => new ServiceMetrics(database, leaseMs),
  },
  provide(PrismaOperationStore, DATABASE, ServiceMetrics),
  provide(OperationRecords, DATABASE),
  provide(WebhookStore, DATABASE),
  provide(PrismaCheckpointRepository, DATABASE),
  provide(CheckpointGarbageStore, DATABASE),
  provide(PrismaForkStore, DATABASE),
  provide(PrismaCheckpointImport, DATABASE),
  provide(ServiceRecords, DATABASE),
  provide(WorkerRegistry, DATABASE),
  provide(WorkerIdentityStore, DATABASE),
  {
    provide: WorkerIdentities,
    inject: [WorkerIdentityStore],
    useFactory: (store: WorkerIdentityStore) => new WorkerIdentities(store),
  },
  {
    provide: WorkerEnrolment,
    inject: [WorkerIdentityStore, WorkerIdentities, CONFIG, PinoLogger],
    useFactory: (
      store: WorkerIdentityStore,
      identities: WorkerIdentities,
      config: ApiConfig,
      { logger: log }: PinoLogger,
    ) => new WorkerEnrolment({ store, identities, config, log }),
  },
  provide(WorkQueue, DATABASE),
  provide(EventLog, DATABASE),
  provide(IdempotencyStore, DATABASE),
  provide(ApiTokenStore, DATABASE),
  {
    provide: BootstrapToken,
    inject: [ApiTokenStore, CONFIG, PinoLogger],
    useFactory: (tokens: ApiTokenStore, { bootstrapToken }: ApiConfig, { logger }: PinoLogger) =>
      new BootstrapToken(tokens, bootstrapToken, logger),
  },
  provide(CheckpointStore, OBJECT_STORE),
  provide(StoredCheckpoints, CheckpointStore, OBJECT_STORE, CheckpointGarbageStore),
  provide(SubmitOperation, PrismaOperationStore, Messaging, CONFIG),
  provide(PrioritiseOperation, PrismaOperationStore),
  provide(BulkAction, PrismaOperationStore),
  provide(ResumeOperation, PrismaOperationStore, PrismaCheckpointRepository, StoredCheckpoints, Messaging, CONFIG),
  provide(
    ForkOperation,
    PrismaOperationStore,
    PrismaForkStore,
    PrismaCheckpointRepository,
    StoredCheckpoints,
    Messaging,
    CONFIG,
  ),
  provide(PauseOperation, PrismaOperationStore, Messaging),
  provide(CancelOperation, PrismaOperationStore, Messaging),
  provide(DeleteOperation, PrismaOperationStore, PrismaCheckpointRepository, StoredCheckpoints),
  provide(DeleteCheckpoint, PrismaCheckpointRepository, StoredCheckpoints),
  provide(ReportOutcome, PrismaOperationStore, Messaging, FAILPOINTS),
  provide(ReportSaveFailure, PrismaOperationStore),
  provide(ReportRestoreFailure, PrismaOperationStore, PrismaCheckpointRepository, StoredCheckpoints),
  provide(ExpireLeases, PrismaOperationStore, Messaging),
  provide(WatchProgress, PrismaOperationStore, PauseOperation, Messaging),
];

/** Everything behind the controllers: adapters, and the use cases built on them. */
@Global()
@Module({ providers, exports: providers.map((provider) => provider.provide) })
export class PlatformModule implements OnApplicationShutdown {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(SmallFiles) private readonly smallFiles: SmallFiles,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.messaging.close();
    await this.database.$disconnect();
    await this.smallFiles.close();
  }
}
