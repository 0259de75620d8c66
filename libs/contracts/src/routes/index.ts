import * as bulk from './bulk.js';
import * as checkpoints from './checkpoints.js';
import * as operationRecords from './operation-records.js';
import * as operations from './operations.js';
import { documentation, events, health } from './service.js';
import * as webhooks from './webhooks.js';
import * as workers from './workers.js';

/** Every endpoint, by what it is about and by name. The API can serve no other. */
export const ROUTES = {
  operations: { ...operations, ...bulk, ...operationRecords },
  checkpoints,
  workers,
  events,
  webhooks,
  health,
  documentation,
};
