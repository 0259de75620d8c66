export { type ApiTokenRecord, ApiTokenStore } from './api-token-store.js';
export { type Database, DatabaseUnavailableError, isConnectionError, openDatabase, reach } from './database.js';
export { type EventCursor, EventLog } from './event-log.js';
export { type IdempotencyClaim, IdempotencyStore, type IdempotentRequest } from './idempotency-store.js';
export { OutboxStore, type TicketMessage } from './outbox-store.js';
export { PrismaCheckpointRepository } from './prisma-checkpoint-repository.js';
export { type ChildrenOfStatus, PrismaOperationStore } from './prisma-operation-store.js';
export { ingest, type IngestedEvent } from './record-progress.js';
export { type WorkerRecord, type WorkerRegistration, WorkerRegistry } from './worker-registry.js';
