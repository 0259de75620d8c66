import type { Lease, StartReport } from '@ktrdr/operations';
import type { Database } from '../database/database.js';
import { insertEvent, json } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns, type OperationRow } from '../operations/operation-rows.js';
import { leaseStands, lockLeased } from './warn.js';

const { sql } = Prisma;

/**
 * The attempt has restored its checkpoint and takes its first step next. Repeated, it changes nothing. Its first
 * progress may have come before this, by the other way: then that stands. No row: the lease is lost.
 */
export async function recordStart(
  prisma: Database,
  lease: Lease,
  report: StartReport,
): Promise<OperationRow | undefined> {
  return prisma.$transaction(async (tx) => {
    const held = await lockLeased(tx, lease);
    if (!held) return undefined;
    const { operationId, attempt } = lease;
    const earlier = await tx.attempt.count({ where: { operationId, attempt, restoredAt: { not: null } } });
    if (earlier > 0) return held;
    const [row] = await tx.$queryRaw<OperationRow[]>(startStatement(lease, report));
    return row;
  });
}

function startStatement(lease: Lease, report: StartReport): Prisma.Sql {
  const { step, epoch, steps, epochs, backend, checkpointId, fellBackFrom } = report;
  const event = {
    step,
    epoch,
    steps,
    epochs,
    backend,
    checkpoint_id: checkpointId,
    worker_id: lease.workerId,
    ...(fellBackFrom === null ? {} : { fell_back_from: fellBackFrom }),
    ...report.details,
  };
  return sql`
    WITH old AS (
      SELECT o.id,
        coalesce(t.claimed_step, (o.progress->>'step')::int, 0) AS step,
        (SELECT e.data FROM events e
          WHERE e.operation_id = o.id AND e.attempt = o.attempt AND e.worker_n IS NOT NULL AND e.type = 'progress'
          ORDER BY e.worker_n DESC LIMIT 1) AS latest
      FROM operations o JOIN attempts t ON t.operation_id = o.id AND t.attempt = o.attempt
      WHERE ${leaseStands(lease)} FOR UPDATE OF o
    ), u AS (
      UPDATE operations o SET
        event_seq = o.event_seq + 1,
        pinned_backend = coalesce(o.pinned_backend, ${backend}),
        requirements = CASE WHEN ${backend}::text IS NULL OR ${`backend:${backend}`} = ANY(o.requirements)
          THEN o.requirements ELSE o.requirements || ${`backend:${backend}`}::text END,
        progress = ${json({ step, epoch, steps, epochs, examplesPerSecond: null })} || CASE WHEN old.latest IS NULL THEN '{}'
          ELSE jsonb_build_object('step', old.latest->'step', 'epoch', old.latest->'epoch',
            'examplesPerSecond', old.latest->'examples_per_second') END,
        progress_at = clock_timestamp()
      FROM old WHERE o.id = old.id RETURNING o.*, old.step AS trained_step
    ), a AS (
      UPDATE attempts SET restored_at = clock_timestamp(), start_step = ${step}, start_epoch = ${epoch},
        checkpoint_id = ${checkpointId}, fell_back_from = ${fellBackFrom}, backend = ${backend}
      FROM u WHERE attempts.operation_id = u.id AND attempts.attempt = u.attempt
    ), heard AS (
      UPDATE workers SET silent_claims = 0 WHERE id = ${lease.workerId} AND silent_claims > 0
    ), behind AS (
      UPDATE checkpoints c SET superseded_at = clock_timestamp()
      FROM u WHERE c.operation_id = u.id AND c.attempt < u.attempt AND c.step > ${step}::int AND c.superseded_at IS NULL
    ), event AS (${insertEvent(
      'started',
      sql`${json(event)} || jsonb_build_object('lost_steps', greatest(0, u.trained_step - ${step}::int))`,
    )}
    )
    SELECT ${operationColumns('u')} FROM u`;
}
