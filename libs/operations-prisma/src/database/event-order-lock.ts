import { Prisma } from '../generated/prisma/client.js';

const EVENTS = 5_877_002;

/**
 * Joined to the `SELECT … FOR UPDATE` of whoever raises an operation's `event_seq`: they lock its row one after the other,
 * in the order of their transaction ids. The row's own lock does not see to that: who waits for a row that is being
 * updated is given an id before it has the row, and another one may be faster. Waiting here needs no id.
 */
export function eventOrderLock(operationId: string | Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(SELECT pg_advisory_xact_lock(${EVENTS}::int, hashtext(${operationId}))) AS turn`;
}

/** The same as a column, for the operation whose id is in another. */
export function eventOrderLockColumn(idColumn: string): Prisma.Sql {
  return Prisma.raw(`pg_advisory_xact_lock(${EVENTS}, hashtext(${idColumn})) AS turn`);
}

/**
 * Whether nobody else had the turn; nobody is waited for. Who takes those of several operations takes all of them before
 * the first row: with a row comes the transaction's id, and who then took a turn could be ordered before its owner.
 */
export function tryEventOrderLock(idColumn: string): Prisma.Sql {
  return Prisma.raw(`pg_try_advisory_xact_lock(${EVENTS}, hashtext(${idColumn})) AS turn`);
}
