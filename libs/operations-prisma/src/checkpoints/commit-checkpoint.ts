import { type CheckpointDraft, type Lease, LeaseLostError } from '@ktrdr/operations';
import { type Database, writeEvents } from '../database/database.js';
import { insertEvent, json, LEASED, lockOperation } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { committedEvent, draftedValues, insertCheckpoint } from './checkpoint-rows.js';
import { SLOW_STORE_LIMITS, shareObjects } from './objects-lock.js';

const { raw, sql } = Prisma;

/**
 * Commits a checkpoint whose objects are stored: the row is the checkpoint. Repeated, it changes nothing.
 * @param assertStored throws where an object is missing; none is removed until the commit has ended
 * @throws {LeaseLostError}
 */
export async function commitCheckpoint(
  prisma: Database,
  lease: Lease,
  draft: CheckpointDraft,
  assertStored: () => Promise<void>,
): Promise<void> {
  const committed = await writeEvents(prisma, () =>
    prisma.$transaction(async (tx) => {
      await shareObjects(tx);
      await assertStored();
      // Locked first, so that the statement sees what a commit of the same checkpoint at the same time has written.
      await tx.$executeRaw(lockOperation(lease.operationId));
      const rows = await tx.$queryRaw<unknown[]>(commitStatement(lease, draft));
      return rows.length === 1;
    }, SLOW_STORE_LIMITS),
  );
  if (committed) return;
  const earlier = await prisma.checkpoint.findUnique({ where: { id: draft.id } });
  if (earlier?.operationId !== lease.operationId || earlier.attempt !== lease.attempt) throw new LeaseLostError(lease);
}

/** Nothing is written unless the lease stands. What is saved was trained, whether or not its progress was reported. */
function commitStatement({ operationId, attempt, workerId }: Lease, draft: CheckpointDraft): Prisma.Sql {
  const { step, epoch } = draft;
  const values = { ...draftedValues(draft), operationId: raw('u.id'), attempt: raw('u.attempt') };
  return sql`
    WITH u AS (
      UPDATE operations o SET event_seq = o.event_seq + 1,
        progress = CASE WHEN (o.progress->>'step')::int < ${step}::int
          THEN o.progress || ${json({ step, epoch })} ELSE o.progress END
      WHERE o.id = ${operationId} AND o.attempt = ${attempt} AND o.worker_id = ${workerId}
        AND o.status IN ${LEASED}
        AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE id = ${draft.id})
      RETURNING o.id, o.event_seq, o.attempt
    ), event AS (${insertEvent('checkpoint', committedEvent(draft))})
    ${insertCheckpoint(values, raw('u'))} RETURNING id`;
}
