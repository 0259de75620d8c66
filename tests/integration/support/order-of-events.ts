import { type EventCursor, EventLog } from '@ktrdr/operations-prisma';
import { eventually } from './eventually.js';
import type { StoreUnderTest } from './given-store.js';

/**
 * The numbers of each operation's events that follow the cursor, in the order of all events, read page by page. It waits
 * until every transaction that is open now has ended: one of any database of the same server, such as another test's,
 * holds back what was written after it began.
 */
export async function numbersInOrder(
  under: StoreUnderTest,
  begin: EventCursor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const [own] = await under.sql<{ txid: string }[]>`SELECT pg_current_xact_id()::text AS txid`;
  await eventually(
    async () => {
      const [row] = await under.sql<{ ended: boolean }[]>`
        SELECT pg_snapshot_xmin(pg_current_snapshot()) > ${own?.txid}::xid8 AS ended`;
      return row?.ended;
    },
    { what: `every transaction up to ${own?.txid} has ended` },
  );
  const log = new EventLog(under.database);
  const told = new Map(ids.map((id) => [id, [] as number[]]));
  for (let cursor = begin; ;) {
    const page = await log.after(cursor, 50);
    for (const { event } of page) told.get(event.operationId)?.push(event.seq);
    const last = page.at(-1);
    if (!last) return told;
    cursor = last.cursor;
  }
}

/** What is written without a gap up to this number. */
export const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);
