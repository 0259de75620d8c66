import type { Operation } from './operation.js';
import { OPERATION_EVENTS, type OperationEvent } from './transitions.js';

/** The transitions of an operation that webhooks receive. */
export const WEBHOOK_EVENTS: readonly OperationEvent[] = OPERATION_EVENTS;

/**
 * What a delivery says of the operation as it is after the transition: each field, and the property that it shows. The
 * delivery also has `event`, the transition's name, and `seq`, the number of its event in the live stream.
 */
export const WEBHOOK_FIELDS = {
  operation_id: 'id',
  name: 'name',
  type: 'type',
  status: 'status',
  version: 'version',
  attempt: 'attempt',
  at: 'statusSince',
} as const satisfies Readonly<Record<string, keyof Operation>>;
