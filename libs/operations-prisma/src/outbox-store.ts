import { type Database, reach } from './database.js';
import { Prisma } from './generated/prisma/client.js';
import { WAITING } from './status-lists.js';

const { sql } = Prisma;

export interface TicketMessage {
  readonly operationId: string;
  readonly pool: string;
  readonly attempt: number;
  readonly version: number;
}

/** Tickets that committed transitions owe to the queue. */
export class OutboxStore {
  constructor(private readonly prisma: Database) {}

  /**
   * Hands the oldest messages that have lain for `olderThanMs` to `send` and removes them once it has succeeded. Several
   * replicas share the work; a crash in between sends again, which message ids make harmless.
   */
  async relay(
    { olderThanMs, limit }: { readonly olderThanMs: number; readonly limit: number },
    send: (ticket: TicketMessage) => Promise<void>,
  ): Promise<number> {
    return reach(() =>
      this.prisma.$transaction(async (tx) => {
        const rows = await tx.$queryRaw<{ id: bigint; payload: unknown }[]>(sql`
          SELECT id, payload FROM outbox WHERE created_at < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
          ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
        if (rows.length === 0) return 0;
        await Promise.all(rows.map(({ payload }) => send(payload as TicketMessage)));
        await tx.outboxMessage.deleteMany({ where: { id: { in: rows.map(({ id }) => id) } } });
        return rows.length;
      }),
    );
  }

  /** Pools in which operations wait, each with its first few. */
  async waiting(limitPerPool: number): Promise<readonly TicketMessage[]> {
    return reach(() =>
      this.prisma.$queryRaw<TicketMessage[]>(sql`
        SELECT id AS "operationId", pool, attempt, version FROM (
          SELECT o.*, row_number() OVER (PARTITION BY pool ORDER BY priority DESC, queued_at, id) AS place
          FROM operations o WHERE status IN ${WAITING}
            AND status_since < clock_timestamp() - interval '2 seconds'
        ) w WHERE place <= ${limitPerPool}`),
    );
  }
}
