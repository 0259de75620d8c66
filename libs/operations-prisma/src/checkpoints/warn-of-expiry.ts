import { type Database, writeEvents } from '../database/database.js';
import { insertEvent, json, lockOperation, withWarning } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;

/**
 * Warns that an operation's age will cost it these checkpoints. The warning replaces the operation's earlier one of this
 * kind. False: it was warned of each of them.
 */
export async function warnOfExpiry(
  prisma: Database,
  operationId: string,
  ids: readonly string[],
  message: string,
): Promise<boolean> {
  const warning = json({ code: 'checkpoints-expiring', message });
  const others = sql`jsonb_path_query_array(o.warnings, '$[*] ? (@.code != "checkpoints-expiring")')`;
  const rows = await writeEvents(prisma, () =>
    prisma.$queryRaw<unknown[]>(sql`
      WITH old AS (
        ${lockOperation(operationId)}
      ), c AS (
        UPDATE checkpoints SET expiry_warned_at = clock_timestamp() FROM old
        WHERE operation_id = old.id AND checkpoints.id = ANY(${[...ids]}) AND deleting_at IS NULL
          AND expiry_warned_at IS NULL
        RETURNING operation_id
      ), u AS (
        UPDATE operations o SET event_seq = o.event_seq + 1, warnings = ${withWarning(warning, others)}
        FROM (SELECT DISTINCT operation_id FROM c) warned WHERE o.id = warned.operation_id
        RETURNING o.id, o.event_seq, o.attempt
      )
      ${insertEvent('warning', warning)} RETURNING seq`),
  );
  return rows.length === 1;
}
