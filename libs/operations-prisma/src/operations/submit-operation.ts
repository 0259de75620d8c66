import type { OperationDraft } from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { queuePositionOf } from './queue-position.js';
import { webhookRows } from './transition-operations.js';

const { sql, raw, join, empty } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;
const jsonOrNull = (value: unknown) => (value === null ? sql`NULL::jsonb` : json(value));

/** Stores the operation with its first history row and event. No row: this submission was stored before. */
export function submitStatement(draft: OperationDraft): Prisma.Sql {
  return submissionStatement(draft);
}

/**
 * The same, with further columns by name, details for the history, and whatever else is to be written of the new row,
 * which is `u`.
 */
export function submissionStatement(
  draft: OperationDraft,
  more: Readonly<Record<string, Prisma.Sql>> = {},
  details: Readonly<Record<string, unknown>> = {},
  further: Prisma.Sql = empty,
): Prisma.Sql {
  const moreColumns = Object.keys(more).map((name) => raw(`, ${name}`));
  const moreValues = Object.values(more).map((value) => sql`, ${value}`);
  return sql`
    WITH u AS (
      INSERT INTO operations (id, type, name, labels, pool, priority, status, version, event_seq, spec, spec_sha256,
        requirements, created_by, submission_key, max_recoveries, parent_id, origin, watchdog${concat(moreColumns)})
      VALUES (${draft.id}, ${draft.type}, ${draft.name}, ${json(draft.labels)}, ${draft.pool}, ${draft.priority}, 'queued',
        1, 1, ${json(draft.spec)}, ${draft.specSha256}, ${[...draft.requirements]}::text[], ${draft.createdBy},
        ${draft.submissionKey}, ${draft.maxRecoveries}, ${draft.parentId}, ${jsonOrNull(draft.origin)},
        ${jsonOrNull(draft.watchdog)}${concat(moreValues)})
      ON CONFLICT (submission_key) DO NOTHING
      RETURNING *
    ), h AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, attempt, at, details)
      SELECT u.id, 1, 'submit', NULL, 'queued', ${draft.createdBy}, 0, u.created_at, ${json(details)} FROM u
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, data)
      SELECT u.id, 1, 'status', 0, u.created_at, ${json(details)} || jsonb_build_object('event', 'submit', 'from', NULL,
        'to', 'queued', 'actor', ${draft.createdBy}::text, 'reason', NULL, 'version', 1) FROM u
    ), ${webhookRows('submit')}${further}
    SELECT ${operationColumns('u')}, ${queuePositionOf('u')} AS "queuePosition" FROM u`;
}

function concat(parts: readonly Prisma.Sql[]): Prisma.Sql {
  return parts.length > 0 ? join([...parts], '') : empty;
}
