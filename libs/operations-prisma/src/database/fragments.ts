import { LEASED_STATUSES, type OperationStatus, WAITING_STATUSES } from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';

const { sql, raw } = Prisma;

/** What several statements write alike. `u` is by custom the operation's row as the statement leaves it. */

/** A value as JSON; null is SQL's own. */
export function json(value: unknown): Prisma.Sql {
  return sql`${value === null || value === undefined ? null : JSON.stringify(value)}::jsonb`;
}

/** The column of a property: `leaseExpiresAt` is `lease_expires_at`. */
export function columnOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The select list that names these columns of row `alias` by their properties. */
export function columns(alias: string, properties: readonly string[]): Prisma.Sql {
  return raw(properties.map((property) => `${alias}.${columnOf(property)} AS "${property}"`).join(', '));
}

/**
 * Statuses for `IN`, as text of the statement. A parameter would be unknown when the statement is planned once for all
 * its uses, and the partial indexes of the queue and of the leases could not be used.
 */
export function listOf(statuses: readonly OperationStatus[]): Prisma.Sql {
  return raw(`(${statuses.map((status) => `'${status}'`).join(', ')})`);
}

export const WAITING = listOf(WAITING_STATUSES);
export const LEASED = listOf(LEASED_STATUSES);

/** An instant as ISO 8601 in UTC, as JavaScript writes it. */
export function iso(instant: string): Prisma.Sql {
  return raw(`to_char(${instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);
}

/** The warnings of row `o` and one more, of this moment. */
export function withWarning(warning: Prisma.Sql, earlier: Prisma.Sql = raw('o.warnings')): Prisma.Sql {
  return sql`${earlier} || jsonb_build_array(${warning} || jsonb_build_object('at', ${iso('clock_timestamp()')}))`;
}

const EVENT_ORDER = 5_877_002;

/**
 * Waits, as a column, for the right to raise the operation's `event_seq`. Writers then lock its row one after the other,
 * in the order of their transaction ids. The row's lock alone does not give that order: a transaction that waits for a
 * row under update has its id already, and a later one may be faster. A wait for this lock needs no id.
 */
export function eventOrderLock(idColumn: string): Prisma.Sql {
  return raw(`pg_advisory_xact_lock(${EVENT_ORDER}, hashtext(${idColumn})) AS turn`);
}

/**
 * The same without waiting: whether the lock was free. A statement for several operations takes all these locks before
 * it locks the first row: with a row comes the transaction's id, which would be older than a lock taken after it.
 */
export function tryEventOrderLock(idColumn: string): Prisma.Sql {
  return raw(`pg_try_advisory_xact_lock(${EVENT_ORDER}, hashtext(${idColumn})) AS turn`);
}

/**
 * Locks operation `o`, in its turn, for a statement that raises its `event_seq`.
 * @param guard what else must hold of it, or it is neither locked nor returned
 */
export function lockOperation(
  id: string | Prisma.Sql,
  { select = raw('o.id'), guard = raw('true') }: { readonly select?: Prisma.Sql; readonly guard?: Prisma.Sql } = {},
): Prisma.Sql {
  return sql`
    SELECT ${select}
    FROM operations o, (SELECT pg_advisory_xact_lock(${raw(`${EVENT_ORDER}`)}, hashtext(${id}))) AS turn
    WHERE o.id = ${id} AND ${guard} FOR UPDATE OF o`;
}

/**
 * Writes the event of a row's change.
 * @param of the changed row, with `id`, `attempt` and the raised `event_seq`
 */
export function insertEvent(
  type: string,
  data: Prisma.Sql,
  {
    of = 'u',
    seq = `${of}.event_seq`,
    at = 'now()',
  }: { readonly of?: string; readonly seq?: string; readonly at?: string } = {},
): Prisma.Sql {
  return sql`
    INSERT INTO events (operation_id, seq, type, attempt, at, data)
    SELECT ${raw(`${of}.id, ${seq}, '${type}', ${of}.attempt, ${at}`)}, ${data} FROM ${raw(of)}`;
}
