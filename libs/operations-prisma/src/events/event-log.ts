import type { OperationEventRecord } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { columns } from '../database/fragments.js';
import { EVENT_PROPERTIES, type EventRow, toEvent } from '../operations/operation-rows.js';

const { sql } = Prisma;

/** A place in the order of all events: the writing transaction, then the row. */
export interface EventCursor {
  readonly txid: string;
  readonly position: string;
}

export interface CursoredEvent {
  readonly cursor: EventCursor;
  readonly event: OperationEventRecord;
}

/** Everything that was written to the live stream, across operations. */
export class EventLog {
  constructor(private readonly prisma: Database) {}

  /** Behind everything that is visible now. */
  async end(): Promise<EventCursor> {
    const [row] = await this.prisma.$queryRaw<EventCursor[]>(sql`
      SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text AS txid, '9223372036854775807' AS position`);
    return row ?? { txid: '0', position: '0' };
  }

  /** What follows the cursor, as far as it is settled. */
  async after(cursor: EventCursor, limit: number): Promise<readonly CursoredEvent[]> {
    return (await this.read(cursor, limit)).events;
  }

  /**
   * What follows the cursor, in order. Rows of transactions that could still be joined by an older one are held back, so
   * that no reader ever moves its cursor past a row that becomes visible later.
   */
  async read(
    { txid, position }: EventCursor,
    limit: number,
  ): Promise<{ readonly events: readonly CursoredEvent[]; readonly isHeldBack: boolean }> {
    const rows = await this.prisma.$queryRaw<(EventRow & { txid: string; position: string; isSettled: boolean })[]>(sql`
      SELECT ${columns('e', EVENT_PROPERTIES)}, e.txid::text AS txid, e.position::text AS position,
        e.txid < pg_snapshot_xmin(pg_current_snapshot()) AS "isSettled"
      FROM events e
      WHERE (e.txid, e.position) > (${txid}::xid8, ${position}::bigint)
      -- Of the table: the plain names would be those of the text that is selected, and "1000" sorts before "999".
      ORDER BY e.txid, e.position LIMIT ${limit}`);
    const held = rows.findIndex(({ isSettled }) => !isSettled);
    const settled = held === -1 ? rows : rows.slice(0, held);
    return {
      events: settled.map((row) => ({ cursor: { txid: row.txid, position: row.position }, event: toEvent(row) })),
      isHeldBack: held !== -1,
    };
  }
}
