import { type ForkDraft, INHERITED_ATTEMPT } from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { submissionStatement } from './submit-operation.js';

const { sql } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value ?? null)}::jsonb`;

/**
 * Stores the fork like any submission, with what it takes over: its row of the checkpoint, the charts that lead there, and
 * the event that tells its origin. The caller has locked the origin. No row: this submission was stored before.
 */
export function forkStatement(draft: ForkDraft): Prisma.Sql {
  const { checkpoint, origin, progress, createdBy } = draft;
  const details = {
    forked_from: {
      operation_id: origin.operationId,
      checkpoint_id: origin.checkpointId,
      step: origin.step,
      epoch: origin.epoch,
      ...(origin.fellBackFrom ? { fell_back_from: origin.fellBackFrom } : {}),
    },
    ...(origin.changes.length > 0 ? { overrides: origin.changes } : {}),
  };
  const told = { actor: createdBy, operation_id: draft.id, name: draft.name, checkpoint_id: origin.checkpointId };
  return submissionStatement(
    draft,
    {
      former_spec_sha256: sql`${[...draft.formerSpecSha256]}::text[]`,
      pinned_backend: sql`${draft.pinnedBackend}`,
      backend_change_allowed: sql`${draft.backendChangeAllowed}`,
      progress: json(progress),
      metrics: json(checkpoint.metrics),
      best: draft.best ? json(draft.best) : sql`NULL`,
      resume_checkpoint_id: sql`${checkpoint.id}`,
    },
    details,
    sql`, c AS (
      INSERT INTO checkpoints (id, operation_id, attempt, seq, kind, step, epoch, created_at, committed_at, manifest_key,
        manifest_sha256, bytes, files, metrics, is_best, parent_id, stall_ms, save_ms, uploaded_bytes)
      SELECT ${checkpoint.id}, u.id, ${INHERITED_ATTEMPT}::int, 0, s.kind, s.step, s.epoch, s.created_at,
        clock_timestamp(), ${checkpoint.manifestKey}, ${checkpoint.manifestSha256}, s.bytes, s.files, s.metrics, s.is_best,
        s.id, s.stall_ms, s.save_ms, 0
      FROM u JOIN checkpoints s ON s.id = ${origin.checkpointId}
    ), p AS (
      INSERT INTO metric_points (operation_id, attempt, step, epoch, at, values)
      SELECT DISTINCT ON (p.step) u.id, ${INHERITED_ATTEMPT}::int, p.step, p.epoch, p.at, p.values
      FROM u JOIN checkpoints s ON s.id = ${origin.checkpointId}
        JOIN metric_points p ON p.operation_id = s.operation_id AND p.step <= s.step AND p.attempt <= s.attempt
      WHERE NOT EXISTS (
        SELECT 1 FROM attempts a
        WHERE a.operation_id = p.operation_id AND a.attempt > p.attempt AND a.attempt <= s.attempt AND a.start_step < p.step)
      ORDER BY p.step, p.attempt DESC
    ), oe AS (
      UPDATE operations o SET event_seq = o.event_seq + 1 FROM u WHERE o.id = ${origin.operationId}
      RETURNING o.id, o.event_seq, o.attempt, o.version, o.status
    ), oh AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT oe.id, oe.event_seq, 'forked', oe.attempt, ${json({ ...told, step: origin.step, epoch: origin.epoch })}
        || jsonb_build_object('version', oe.version, 'status', oe.status)
      FROM oe
    )`,
  );
}

/** What was made from these by forking, newest first, at most `limit` of each. */
export function forksStatement(operationIds: readonly string[], limit: number): Prisma.Sql {
  return sql`
    SELECT ${operationColumns('f')} FROM unnest(${[...operationIds]}::text[]) AS origin(id) CROSS JOIN LATERAL (
      SELECT o.* FROM operations o
      WHERE o.origin IS NOT NULL AND o.origin->>'operationId' = origin.id AND o.origin->>'kind' = 'fork'
      ORDER BY o.created_at DESC LIMIT ${limit}
    ) f`;
}
