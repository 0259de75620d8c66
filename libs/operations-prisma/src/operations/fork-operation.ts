import { type ForkDraft, type ForkOutcome, INHERITED_ATTEMPT } from '@ktrdr/operations';
import { copiedValues, insertCheckpoint } from '../checkpoints/checkpoint-rows.js';
import { SLOW_STORE_LIMITS, shareObjects } from '../checkpoints/objects-lock.js';
import { type Database, writeEvents } from '../database/database.js';
import { insertEvent, json, lockOperation } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns, type OperationRow, toOperation } from './operation-rows.js';
import { recordTransition } from './record-transition.js';
import { insertOperation, storedBefore } from './submit-operation.js';

const { sql, raw } = Prisma;

/** Stores a fork with its checkpoint, and the event of it in its origin, in one transaction. */
export async function forkOperation(
  prisma: Database,
  draft: ForkDraft,
  assertStored: () => Promise<void>,
): Promise<ForkOutcome> {
  const row = await writeEvents(prisma, () =>
    prisma.$transaction(async (tx) => {
      await shareObjects(tx);
      if (!(await isThere(tx, draft))) return 'gone';
      // Before the origin is locked: its worker's heartbeats need the row, and the object store may be slow.
      await assertStored();
      // Retention, clean-up and deletion decide under the same lock.
      await tx.$executeRaw(lockOperation(draft.origin.operationId));
      if (!(await isThere(tx, draft))) return 'gone';
      const [stored] = await tx.$queryRaw<OperationRow[]>(forkStatement(draft));
      return stored;
    }, SLOW_STORE_LIMITS),
  );
  if (row === 'gone') return { kind: 'gone' };
  if (row) return { kind: 'forked', operation: toOperation(row), isNew: true };
  return { kind: 'forked', operation: await storedBefore(prisma, draft), isNew: false };
}

async function isThere(tx: Prisma.TransactionClient, { origin }: ForkDraft): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>(sql`
    SELECT 1 FROM checkpoints c
    WHERE c.id = ${origin.checkpointId} AND c.operation_id = ${origin.operationId} AND c.deleting_at IS NULL`);
  return rows.length === 1;
}

/**
 * Stores the fork like any submission, with what it takes over: its row of the checkpoint, the charts that lead there, and
 * the event in its origin, whose row is locked. No row: this submission was stored before.
 */
function forkStatement(draft: ForkDraft): Prisma.Sql {
  const { checkpoint, origin, createdBy } = draft;
  const { operationId: operation_id, checkpointId: checkpoint_id, step, epoch, fellBackFrom, changes } = origin;
  const details = {
    forked_from: {
      operation_id,
      checkpoint_id,
      step,
      epoch,
      ...(fellBackFrom ? { fell_back_from: fellBackFrom } : {}),
    },
    ...(changes.length > 0 ? { overrides: changes } : {}),
  };
  const forked = { actor: createdBy, operation_id: draft.id, name: draft.name, checkpoint_id, step, epoch };
  return sql`
    WITH u AS (${insertOperation(draft, {
      formerSpecSha256: sql`${[...draft.formerSpecSha256]}::text[]`,
      pinnedBackend: sql`${draft.pinnedBackend}`,
      backendChangeAllowed: sql`${draft.backendChangeAllowed}`,
      progress: json(draft.progress),
      metrics: json(checkpoint.metrics),
      best: json(draft.best),
      resumeCheckpointId: sql`${checkpoint.id}`,
    })}
    ), ${recordTransition('submit', { actor: sql`${createdBy}::text`, details: json(details) })}, c AS (${insertCheckpoint(
      {
        ...copiedValues('s'),
        id: sql`${checkpoint.id}`,
        operationId: raw('u.id'),
        attempt: raw(`${INHERITED_ATTEMPT}`),
        seq: raw('0'),
        manifestKey: sql`${checkpoint.manifestKey}`,
        manifestSha256: sql`${checkpoint.manifestSha256}`,
        parentId: raw('s.id'),
        uploadedBytes: raw('0'),
      },
      sql`u JOIN checkpoints s ON s.id = ${checkpoint_id}`,
    )}
    ), points AS (
      INSERT INTO metric_points (operation_id, attempt, step, epoch, at, values)
      SELECT DISTINCT ON (p.step) u.id, ${raw(`${INHERITED_ATTEMPT}`)}, p.step, p.epoch, p.at, p.values
      FROM u JOIN checkpoints s ON s.id = ${checkpoint_id}
        JOIN metric_points p ON p.operation_id = s.operation_id AND p.step <= s.step AND p.attempt <= s.attempt
      WHERE NOT EXISTS (
        SELECT 1 FROM attempts a
        WHERE a.operation_id = p.operation_id AND a.attempt > p.attempt AND a.attempt <= s.attempt AND a.start_step < p.step)
      ORDER BY p.step, p.attempt DESC
    ), origin AS (
      UPDATE operations o SET event_seq = o.event_seq + 1 FROM u WHERE o.id = ${operation_id}
      RETURNING o.id, o.event_seq, o.attempt, o.version, o.status
    ), forked AS (${insertEvent(
      'forked',
      sql`${json(forked)} || jsonb_build_object('version', origin.version, 'status', origin.status)`,
      { of: 'origin' },
    )}
    )
    SELECT ${operationColumns('u')} FROM u`;
}
