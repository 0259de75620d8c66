export { type ApiTokenRecord, ApiTokenStore } from './api-token-store.js';
export {
  checkDatabase,
  type Database,
  DatabaseUnavailableError,
  isConnectionError,
  isPassing,
  openDatabase,
  reach,
} from './database.js';
export { type CursoredEvent, type EventCursor, EventLog } from './event-log.js';
export { Gathering } from './gathering.js';
export { type IdempotencyClaim, IdempotencyStore, type IdempotentRequest } from './idempotency-store.js';
export { ENDED, ingest, type IngestedEvent, nameDropped, type ToldByAttempt } from './ingest-events.js';
export { ObjectsInUseError } from './objects-lock.js';
export { type ChildrenOfStatus, OperationRecords } from './operation-records.js';
export { type OperationWithCheckpoints, PrismaCheckpointCollection } from './prisma-checkpoint-collection.js';
export { type ForkEntry, PrismaForkStore } from './prisma-fork-store.js';
export { type ImportedOperation, PrismaCheckpointImport } from './prisma-checkpoint-import.js';
export { PrismaCheckpointRepository } from './prisma-checkpoint-repository.js';
export { type Claimed, PrismaOperationStore } from './prisma-operation-store.js';
export { readServiceFigures, type ServiceFigures } from './service-figures.js';
export { ServiceRecords } from './service-records.js';
export { type DueDelivery, WebhookNotFoundError, type WebhookRecord, WebhookStore } from './webhook-store.js';
export { WorkQueue } from './work-queue.js';
export { type WorkerRecord, type WorkerRegistration, WorkerRegistry } from './worker-registry.js';
export {
  type EnrolOutcome,
  type IdentityRecord,
  type NewEnrolment,
  type WorkerIdentity,
  WorkerIdentityStore,
} from './worker-identities.js';
