import type { Lease, OperationWarning } from '@ktrdr/operations';
import type { Database } from '../database/database.js';
import { insertEvent, json, LEASED, lockOperation, withWarning } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns, type OperationRow } from '../operations/operation-rows.js';

const { sql } = Prisma;

/** Whether row `o` is the operation of this lease, and the lease stands. */
export function leaseStands({ operationId, attempt, workerId }: Lease): Prisma.Sql {
  return sql`o.id = ${operationId} AND o.attempt = ${attempt} AND o.worker_id = ${workerId} AND o.status IN ${LEASED}`;
}

/**
 * Locks the lease's operation, so that what follows in this transaction sees what was written under the lock before. No
 * row: the lease is lost.
 */
export async function lockLeased(tx: Prisma.TransactionClient, lease: Lease): Promise<OperationRow | undefined> {
  const held = { select: operationColumns('o'), guard: leaseStands(lease) };
  const [row] = await tx.$queryRaw<OperationRow[]>(lockOperation(lease.operationId, held));
  return row;
}

/** Adds a warning with its event; an attempt's warning is added once. No row: the lease is lost. */
export async function warn(
  prisma: Database,
  lease: Lease,
  warning: Omit<OperationWarning, 'at'>,
  details: Readonly<Record<string, unknown>>,
): Promise<OperationRow | undefined> {
  return prisma.$transaction(async (tx) => {
    const held = await lockLeased(tx, lease);
    if (!held) return undefined;
    const earlier = await tx.$queryRaw<unknown[]>(sql`
      SELECT 1 FROM events WHERE operation_id = ${lease.operationId} AND attempt = ${lease.attempt} AND type = 'warning'
        AND data->>'code' = ${warning.code} AND data->>'message' = ${warning.message} LIMIT 1`);
    if (earlier.length > 0) return held;
    const [row] = await tx.$queryRaw<OperationRow[]>(sql`
      WITH u AS (
        UPDATE operations o SET event_seq = o.event_seq + 1, warnings = ${withWarning(json(warning))}
        WHERE ${leaseStands(lease)}
        RETURNING o.*
      ), event AS (${insertEvent('warning', json({ ...details, ...warning }))}
      )
      SELECT ${operationColumns('u')} FROM u`);
    return row;
  });
}

/** Marks it as stuck, with its warning and event; false when it has moved, or was marked before. */
export async function markStuck(
  prisma: Database,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  message: string,
): Promise<boolean> {
  const guard = sql`o.attempt = ${attempt} AND o.status = 'running' AND o.stuck_since IS NULL
        AND o.progress_at < clock_timestamp() - interval '1 second' * (o.watchdog->>'seconds')::float8`;
  const rows = await prisma.$queryRaw<unknown[]>(sql`
    WITH old AS (${lockOperation(id, { guard })}
    ), u AS (
      UPDATE operations o SET stuck_since = clock_timestamp(), event_seq = o.event_seq + 1,
        warnings = ${withWarning(json({ code: 'trainer-stalled', message }))}
      FROM old WHERE o.id = old.id
      RETURNING o.id, o.event_seq, o.attempt
    )
    ${insertEvent('stuck', json({ message }))} RETURNING seq`);
  return rows.length === 1;
}
