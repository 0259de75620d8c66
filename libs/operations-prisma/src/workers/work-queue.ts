import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { WAITING } from '../database/fragments.js';

const { sql, raw, join } = Prisma;

/** Claims in a row after which the attempt was silent; a worker with so many gets no more work until it is released. */
export const MOST_SILENT_CLAIMS = 3;

/** Whether the worker in row `w` may be given operations. */
export const TAKES_WORK = raw(`(NOT w.draining AND w.silent_claims < ${MOST_SILENT_CLAIMS})`);

/**
 * Place in its pool's queue of the waiting operation in row `alias`, 1 for the next: by priority, then by age.
 * @param besides rows of this statement that begin to wait with it, which the table does not show yet.
 */
export function queuePositionOf(alias: string, besides: readonly string[] = []): Prisma.Sql {
  const ahead = (table: string) => sql`(
    SELECT count(*) FROM ${raw(table)} ahead
    WHERE ahead.status IN ${WAITING} AND ahead.pool = ${row}.pool AND ahead.id <> ${row}.id
      AND (ahead.priority > ${row}.priority OR (ahead.priority = ${row}.priority
        AND (ahead.queued_at, ahead.id) < (${row}.queued_at, ${row}.id))))`;
  const row = raw(alias);
  return sql`(1 + ${join(['operations', ...besides].map(ahead), ' + ')})`;
}

/** What waits for workers, and which worker could take it. */
export class WorkQueue {
  constructor(private readonly prisma: Database) {}

  /** Whether an operation waits in the pool that a worker with these capabilities can run. */
  async waits(pool: string, capabilities: readonly string[]): Promise<boolean> {
    const [row] = await this.prisma.$rows<{ waits: boolean }>(sql`
      SELECT EXISTS (SELECT 1 FROM operations o WHERE o.status IN ${WAITING} AND o.pool = ${pool}
        AND o.requirements <@ ${[...capabilities]}::text[]) AS waits`);
    return row?.waits ?? false;
  }

  /** Another live worker with a free slot. It can run the first operation of the queue that any such worker can run. */
  async idleWorker(pool: string, except: string, aliveWithinMs: number): Promise<string | null> {
    const [row] = await this.prisma.$rows<{ id: string }>(sql`
      SELECT w.id FROM operations o JOIN workers w ON w.pool = o.pool AND o.requirements <@ w.capabilities
      WHERE o.status IN ${WAITING} AND o.pool = ${pool} AND w.id <> ${except} AND ${TAKES_WORK}
        AND w.last_seen_at > clock_timestamp() - ${aliveWithinMs} * interval '1 millisecond'
        AND w.slots > (SELECT count(*) FROM operations h WHERE h.worker_id = w.id)
      ORDER BY o.priority DESC, o.queued_at, o.id, random() LIMIT 1`);
    return row?.id ?? null;
  }
}
