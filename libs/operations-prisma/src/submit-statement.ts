import type { OperationDraft } from '@ktrdr/operations';
import { Prisma } from './generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { webhookRows } from './transition-statement.js';

const { sql } = Prisma;
const jsonOrNull = (value: unknown) => (value === null ? sql`NULL::jsonb` : sql`${JSON.stringify(value)}::jsonb`);

/** Stores the operation with its first history row, event and outbox row. No row: this submission was stored before. */
export function submitStatement(draft: OperationDraft): Prisma.Sql {
  const labels = JSON.stringify(draft.labels);
  const spec = JSON.stringify(draft.spec);
  return sql`
    WITH u AS (
      INSERT INTO operations (id, type, name, labels, pool, priority, status, version, event_seq, spec, spec_sha256,
        requirements, created_by, submission_key, max_recoveries, parent_id, origin, watchdog)
      VALUES (${draft.id}, ${draft.type}, ${draft.name}, ${labels}::jsonb, ${draft.pool}, ${draft.priority}, 'queued', 1, 1,
        ${spec}::jsonb, ${draft.specSha256}, ${[...draft.requirements]}::text[], ${draft.createdBy}, ${draft.submissionKey},
        ${draft.maxRecoveries}, ${draft.parentId}, ${jsonOrNull(draft.origin)}, ${jsonOrNull(draft.watchdog)})
      ON CONFLICT (submission_key) DO NOTHING
      RETURNING *
    ), h AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, attempt, at)
      SELECT u.id, 1, 'submit', NULL, 'queued', ${draft.createdBy}, 0, u.created_at FROM u
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, data)
      SELECT u.id, 1, 'status', 0, u.created_at, jsonb_build_object('event', 'submit', 'from', NULL, 'to', 'queued',
        'actor', ${draft.createdBy}::text, 'reason', NULL, 'version', 1) FROM u
    ), x AS (
      INSERT INTO outbox (kind, payload)
      SELECT 'ticket', jsonb_build_object('operationId', u.id, 'pool', u.pool, 'attempt', 0, 'version', 1) FROM u
    ), ${webhookRows('submit')}
    SELECT ${operationColumns('u')} FROM u`;
}
