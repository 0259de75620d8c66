import { WAITING_STATUSES } from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';

const WAITING = WAITING_STATUSES.map((status) => `'${status}'`).join(', ');

/**
 * Place in its pool's queue of the waiting operation in row `alias`, 1 for the next: by priority, then by age.
 * @param besides rows of this statement that begin to wait with it, which the table does not show yet.
 */
export function queuePositionOf(alias: string, besides: readonly string[] = []): Prisma.Sql {
  const ahead = (table: string) => `(
    SELECT count(*) FROM ${table} ahead
    WHERE ahead.status IN (${WAITING}) AND ahead.pool = ${alias}.pool AND ahead.id <> ${alias}.id
      AND (ahead.priority > ${alias}.priority OR (ahead.priority = ${alias}.priority
        AND (ahead.queued_at, ahead.id) < (${alias}.queued_at, ${alias}.id))))`;
  return Prisma.raw(`(1 + ${['operations', ...besides].map(ahead).join(' + ')})`);
}
