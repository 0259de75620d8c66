import type { OperationEventRecord } from '@ktrdr/operations';
import { type Database, reach } from './database.js';
import { Prisma } from './generated/prisma/client.js';
import { type EventRow, toEvent } from './operation-rows.js';

const { sql } = Prisma;

/** A place in the order of all events: the writing transaction, then the row. */
export interface EventCursor {
  readonly txid: string;
  readonly position: string;
}

/** Everything that was written to the live stream, across operations. */
export class EventLog {
  constructor(private readonly prisma: Database) {}

  /** Behind everything that is visible now. */
  async end(): Promise<EventCursor> {
    const [row] = await reach(() =>
      this.prisma.$queryRaw<EventCursor[]>(sql`
        SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text AS txid, '9223372036854775807' AS position`),
    );
    return row ?? { txid: '0', position: '0' };
  }

  /**
   * What follows the cursor, in order. Rows of transactions that could still be joined by an older one are held back, so
   * that no reader ever moves its cursor past a row that becomes visible later.
   */
  async after(
    { txid, position }: EventCursor,
    limit: number,
  ): Promise<readonly { readonly cursor: EventCursor; readonly event: OperationEventRecord }[]> {
    const rows = await reach(() =>
      this.prisma.$queryRaw<(EventRow & { txid: string; position: string })[]>(sql`
        SELECT operation_id AS "operationId", seq, type, attempt, at, data, txid::text AS txid, position::text AS position
        FROM events
        WHERE (txid, position) > (${txid}::xid8, ${position}::bigint)
          AND txid < pg_snapshot_xmin(pg_current_snapshot())
        -- Of the table: the plain names would be those of the text that is selected, and "1000" sorts before "999".
        ORDER BY events.txid, events.position LIMIT ${limit}`),
    );
    return rows.map((row) => ({ cursor: { txid: row.txid, position: row.position }, event: toEvent(row) }));
  }
}
