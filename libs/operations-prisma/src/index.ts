export { type ApiTokenRecord, ApiTokenStore } from './service/api-token-store.js';
export { checkDatabase, type Database, isConnectionError, isPassing, openDatabase } from './database/database.js';
export { type CursoredEvent, type EventCursor, EventLog } from './events/event-log.js';
export { Batcher } from './database/batcher.js';
export { IdempotencyStore, type IdempotentRequest } from './service/idempotency-store.js';
export { ENDED, ingest, type IngestedEvent, nameDropped, type AttemptEvents } from './events/ingest-events.js';
export { ObjectsInUseError } from './checkpoints/objects-lock.js';
export { type ChildrenOfStatus, OperationRecords } from './operations/operation-records.js';
export { CheckpointGarbageStore } from './checkpoints/checkpoint-garbage-store.js';
export { type ForkEntry, PrismaForkStore } from './operations/prisma-fork-store.js';
export { PrismaCheckpointImport } from './checkpoints/prisma-checkpoint-import.js';
export { PrismaCheckpointRepository } from './checkpoints/prisma-checkpoint-repository.js';
export { type Claimed, PrismaOperationStore, type TransitionListener } from './operations/prisma-operation-store.js';
export { readServiceFigures } from './service/service-figures.js';
export { ServiceRecords } from './service/service-records.js';
export { type DueDelivery, type WebhookRecord, WebhookStore } from './webhooks/webhook-store.js';
export { WorkQueue } from './workers/work-queue.js';
export { type WorkerRecord, WorkerRegistry } from './workers/worker-registry.js';
export {
  type IdentityRecord,
  type NewEnrolment,
  type WorkerIdentity,
  WorkerIdentityStore,
} from './workers/worker-identities.js';
