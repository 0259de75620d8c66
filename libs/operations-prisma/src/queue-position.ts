import { WAITING_STATUSES } from '@ktrdr/operations';
import { Prisma } from './generated/prisma/client.js';

const WAITING = WAITING_STATUSES.map((status) => `'${status}'`).join(', ');

/** Place in its pool's queue of the waiting operation in row `alias`, 1 for the next: by priority, then by age. */
export function queuePositionOf(alias: string): Prisma.Sql {
  return Prisma.raw(`(
    SELECT 1 + count(*) FROM operations ahead
    WHERE ahead.status IN (${WAITING}) AND ahead.pool = ${alias}.pool AND ahead.id <> ${alias}.id
      AND (ahead.priority > ${alias}.priority OR (ahead.priority = ${alias}.priority
        AND (ahead.queued_at, ahead.id) < (${alias}.queued_at, ${alias}.id))))`);
}
