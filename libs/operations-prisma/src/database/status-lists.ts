import { LEASED_STATUSES, type OperationStatus, WAITING_STATUSES } from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';

/**
 * A list of statuses for `IN`, written out in the statement. As a parameter it would be unknown when the statement is
 * planned once for all its uses, and the partial indexes of the queue and of the leases could not be used.
 */
export function listOf(statuses: readonly OperationStatus[]): Prisma.Sql {
  return Prisma.raw(`(${statuses.map((status) => `'${status}'`).join(', ')})`);
}

export const WAITING = listOf(WAITING_STATUSES);
export const LEASED = listOf(LEASED_STATUSES);
