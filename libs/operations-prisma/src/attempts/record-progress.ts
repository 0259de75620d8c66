import type { Lease, OperationWarning } from '@ktrdr/operations';
import type { Database } from '../database/database.js';
import { Prisma, type Operation as OperationRow } from '../generated/prisma/client.js';
import { operationColumns } from '../operations/operation-rows.js';
import { LEASED, WAITING } from '../database/status-lists.js';
import { eventOrderLock } from '../database/event-order-lock.js';

const { sql } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;

type Transaction = Prisma.TransactionClient;

/** Its row, locked, so that what follows in this transaction sees everything that was written under the lock before. */
export async function heldRow(tx: Transaction, lease: Lease): Promise<OperationRow | null> {
  const [row] = await tx.$queryRaw<OperationRow[]>(sql`
    SELECT ${operationColumns('o')} FROM operations o, ${eventOrderLock(lease.operationId)}
    WHERE o.id = ${lease.operationId} AND o.attempt = ${lease.attempt} AND o.worker_id = ${lease.workerId}
      AND o.status IN ${LEASED} FOR UPDATE OF o`);
  return row ?? null;
}

/** Adds a warning with its event; an attempt's warning is added once. No row: the lease is lost. */
export async function warn(
  prisma: Database,
  lease: Lease,
  warning: Omit<OperationWarning, 'at'>,
  details: Readonly<Record<string, unknown>>,
): Promise<OperationRow | null> {
  return prisma.$transaction(async (tx) => {
    const held = await heldRow(tx, lease);
    if (!held) return null;
    const told = await tx.$queryRaw<unknown[]>(sql`
      SELECT 1 FROM events WHERE operation_id = ${lease.operationId} AND attempt = ${lease.attempt} AND type = 'warning'
        AND data->>'code' = ${warning.code} AND data->>'message' = ${warning.message} LIMIT 1`);
    return told.length > 0 ? held : warnedRow(tx, lease, warning, details);
  });
}

async function warnedRow(
  tx: Transaction,
  lease: Lease,
  warning: Omit<OperationWarning, 'at'>,
  details: Readonly<Record<string, unknown>>,
): Promise<OperationRow | null> {
  const [row] = await tx.$queryRaw<OperationRow[]>(sql`
    WITH u AS (
      UPDATE operations o SET event_seq = o.event_seq + 1,
        warnings = o.warnings || jsonb_build_array(${json(warning)}
          || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
      WHERE o.id = ${lease.operationId} AND o.attempt = ${lease.attempt} AND o.worker_id = ${lease.workerId}
        AND o.status IN ${LEASED}
      RETURNING o.*
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT u.id, u.event_seq, 'warning', u.attempt, ${json({ ...details, ...warning })} FROM u
    )
    SELECT ${operationColumns('u')} FROM u`);
  return row ?? null;
}

/** Marks it as stuck, with its warning and event; false when it has moved, or was marked before. */
export async function markStuck(
  prisma: Database,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  message: string,
): Promise<boolean> {
  const rows = await prisma.$queryRaw<unknown[]>(sql`
    WITH old AS (
      SELECT o.id FROM operations o, ${eventOrderLock(id)}
      WHERE o.id = ${id} AND o.attempt = ${attempt} AND o.status = 'running' AND o.stuck_since IS NULL
        AND o.progress_at < clock_timestamp() - interval '1 second' * (o.watchdog->>'seconds')::float8
      FOR UPDATE OF o
    ), u AS (
      UPDATE operations o SET stuck_since = clock_timestamp(), event_seq = o.event_seq + 1,
        warnings = o.warnings || jsonb_build_array(${json({ code: 'trainer-stalled', message })}
          || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
      FROM old WHERE o.id = old.id
      RETURNING o.id, o.event_seq, o.attempt
    )
    INSERT INTO events (operation_id, seq, type, attempt, data)
    SELECT u.id, u.event_seq, 'stuck', u.attempt, ${json({ message })} FROM u RETURNING seq`);
  return rows.length === 1;
}

/** Moves a waiting operation within its pool's queue. null: it does not wait. */
export async function prioritise(
  prisma: Database,
  id: string,
  priority: number | 'front',
  actor: string,
): Promise<OperationRow | null> {
  const target =
    priority === 'front'
      ? sql`(SELECT coalesce(max(b.priority), 0) + 1 FROM operations b
          WHERE b.pool = o.pool AND b.id <> o.id AND b.status IN ${WAITING})`
      : sql`${priority}::int`;
  const [row] = await prisma.$queryRaw<OperationRow[]>(sql`
    WITH old AS (
      SELECT o.id FROM operations o, ${eventOrderLock(id)} WHERE o.id = ${id} AND o.status IN ${WAITING} FOR UPDATE OF o
    ), u AS (
      UPDATE operations o SET priority = ${target}, event_seq = o.event_seq + 1
      FROM old WHERE o.id = old.id RETURNING o.*
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT u.id, u.event_seq, 'priority', u.attempt, jsonb_build_object('priority', u.priority, 'actor', ${actor}::text)
      FROM u
    )
    SELECT ${operationColumns('u')} FROM u`);
  return row ?? null;
}
