import type { BadFile, Checkpoint } from '@ktrdr/operations';
import { type Database, writeEvents } from '../database/database.js';
import { insertEvent, json, lockOperation } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;

/** Marks a checkpoint as damaged, with an event, or renews its mark. True: it was not marked before. */
export async function markCorrupted(prisma: Database, id: string, badFiles: readonly BadFile[]): Promise<boolean> {
  const mark = sql`corrupted_at = clock_timestamp()`;
  const event = insertEvent('checkpoint-corrupted', json({ checkpoint_id: id, bad_files: badFiles }));
  if (await isChanged(prisma, id, mark, sql`checkpoints.corrupted_at IS NULL`, event)) return true;
  await prisma.$executeRaw(sql`
    UPDATE checkpoints SET ${mark} WHERE id = ${id} AND corrupted_at IS NOT NULL AND deleting_at IS NULL`);
  return false;
}

/**
 * Notes that every byte was found right. A mark of damage is lifted, with an event, if it is the one that stood when
 * the reading began: a later mark is newer than what was read. True: it was lifted.
 */
export async function markVerified(
  prisma: Database,
  { id, corruptedAt }: Pick<Checkpoint, 'id' | 'corruptedAt'>,
): Promise<boolean> {
  if (corruptedAt) {
    const mark = sql`corrupted_at = NULL, verified_at = clock_timestamp()`;
    const event = insertEvent('checkpoint-mended', json({ checkpoint_id: id }));
    return isChanged(prisma, id, mark, sql`checkpoints.corrupted_at = ${corruptedAt}`, event);
  }
  await prisma.$executeRaw(sql`
    UPDATE checkpoints SET verified_at = clock_timestamp()
    WHERE id = ${id} AND deleting_at IS NULL AND corrupted_at IS NULL`);
  return false;
}

/** Every writer locks the operation before its checkpoints, so that no two wait for each other. */
async function isChanged(prisma: Database, id: string, set: Prisma.Sql, guard: Prisma.Sql, event: Prisma.Sql) {
  const rows = await writeEvents(prisma, () =>
    prisma.$queryRaw<unknown[]>(sql`
      WITH o AS (
        ${lockOperation(sql`(SELECT operation_id FROM checkpoints WHERE id = ${id})`)}
      ), c AS (
        UPDATE checkpoints SET ${set} FROM o
        WHERE checkpoints.id = ${id} AND operation_id = o.id AND deleting_at IS NULL AND ${guard}
        RETURNING operation_id
      ), u AS (
        UPDATE operations o SET event_seq = o.event_seq + 1 FROM c WHERE o.id = c.operation_id
        RETURNING o.id, o.event_seq, o.attempt
      )
      ${event} RETURNING seq`),
  );
  return rows.length === 1;
}
