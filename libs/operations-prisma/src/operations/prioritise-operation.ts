import type { Database } from '../database/database.js';
import { insertEvent, lockOperation, WAITING } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns, type OperationRow } from './operation-rows.js';

const { sql } = Prisma;

/** Moves a waiting operation within its pool's queue. No row: it does not wait. */
export async function prioritiseOperation(
  prisma: Database,
  id: string,
  priority: number | 'front',
  actor: string,
): Promise<OperationRow | undefined> {
  const target =
    priority === 'front'
      ? sql`(SELECT coalesce(max(b.priority), 0) + 1 FROM operations b
          WHERE b.pool = o.pool AND b.id <> o.id AND b.status IN ${WAITING})`
      : sql`${priority}::int`;
  const data = sql`jsonb_build_object('priority', u.priority, 'actor', ${actor}::text)`;
  const [row] = await prisma.$queryRaw<OperationRow[]>(sql`
    WITH old AS (${lockOperation(id, { guard: sql`o.status IN ${WAITING}` })}
    ), u AS (
      UPDATE operations o SET priority = ${target}, event_seq = o.event_seq + 1
      FROM old WHERE o.id = old.id RETURNING o.*
    ), event AS (${insertEvent('priority', data)}
    )
    SELECT ${operationColumns('u')} FROM u`);
  return row;
}
