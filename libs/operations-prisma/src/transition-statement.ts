import {
  LEASED_STATUSES,
  statusesBefore,
  type TransitionCommand,
  type TransitionCondition,
  transitionsOf,
  WAITING_STATUSES,
} from '@ktrdr/operations';
import { Prisma } from './generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { queuePositionOf } from './queue-position.js';
import { listOf } from './status-lists.js';
import { turnOf } from './turn.js';

const { sql, raw, join, empty } = Prisma;

const CONDITIONS: Readonly<Record<TransitionCondition, string>> = {
  'budget-spent': 'o.recoveries >= o.max_recoveries',
  // Damaged ones count: an operation that was saved never begins again at step 0 by itself.
  'with-checkpoint': 'EXISTS (SELECT 1 FROM checkpoints c WHERE c.operation_id = o.id AND c.deleting_at IS NULL)',
  'without-checkpoint': 'true',
};
/** Whether the operation's checkpoints decide where the event leads. */
export function asksForCheckpoints(event: TransitionCommand['event']): boolean {
  return transitionsOf(event).some(({ condition }) => condition === 'with-checkpoint');
}

/** Tried in this order; the last is the rest. */
const CONDITION_ORDER: readonly (TransitionCondition | undefined)[] = [
  'budget-spent',
  'with-checkpoint',
  'without-checkpoint',
  undefined,
];

/** The table's rows for one event as `CASE`: from the status found to the status that it leads to. */
function target(event: TransitionCommand['event']): string {
  const arms = transitionsOf(event)
    .toSorted((a, b) => CONDITION_ORDER.indexOf(a.condition) - CONDITION_ORDER.indexOf(b.condition))
    .map(({ from, to, condition }) => {
      const guard = condition && condition !== 'without-checkpoint' ? ` AND ${CONDITIONS[condition]}` : '';
      return `WHEN o.status = '${from}'${guard} THEN '${to}'`;
    });
  return `CASE ${arms.join(' ')} END`;
}

const list = (statuses: readonly string[]) => statuses.map((status) => `'${status}'`).join(', ');
const json = (value: unknown) => sql`${JSON.stringify(value ?? null)}::jsonb`;
const jsonOrNull = (value: unknown) => (value === null || value === undefined ? sql`NULL::jsonb` : json(value));

/** Events that can lead back to `queued`. */
const REWINDS: readonly TransitionCommand['event'][] = (['crash', 'release', 'lease-expired'] as const).filter(
  (event) => transitionsOf(event).some(({ to }) => to === 'queued'),
);

/** Columns that follow from the command rather than from the status. */
function changed({ changes, event }: TransitionCommand): Prisma.Sql {
  const sets: Prisma.Sql[] = [];
  if (changes.pauseRequest !== undefined) sets.push(sql`pause_request = ${jsonOrNull(changes.pauseRequest)}`);
  if (changes.cancelRequest !== undefined) sets.push(sql`cancel_request = ${jsonOrNull(changes.cancelRequest)}`);
  if (changes.resumeCheckpointId !== undefined) sets.push(sql`resume_checkpoint_id = ${changes.resumeCheckpointId}`);
  if (changes.result !== undefined) sets.push(sql`result = ${json(changes.result)}`);
  if (changes.error !== undefined)
    sets.push(sql`error = CASE WHEN old.target = 'failed' THEN ${jsonOrNull(changes.error)} END`);
  const { position } = changes;
  if (position || REWINDS.includes(event)) {
    const reached = position
      ? sql`o.progress || ${json({ step: position.step, epoch: position.epoch })}`
      : sql`o.progress`;
    // Without a checkpoint all work is lost: it begins again, and says so.
    sets.push(sql`progress = CASE WHEN o.progress IS NULL THEN NULL
      WHEN old.target = 'queued' THEN o.progress || '{"step": 0, "epoch": 0}'::jsonb ELSE ${reached} END`);
  }
  if (changes.warning)
    sets.push(sql`warnings = o.warnings || jsonb_build_array(${json(changes.warning)}
      || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`);
  if (changes.pauseRecord !== undefined) sets.push(sql`pause_record = ${json(changes.pauseRecord)}`);
  if (changes.overrides !== undefined) sets.push(sql`overrides = ${json(changes.overrides)}`);
  if (changes.backendChange !== undefined) {
    const { to, isAllowed } = changes.backendChange;
    sets.push(
      sql`pinned_backend = NULL, backend_change_allowed = o.backend_change_allowed OR ${isAllowed},
        requirements = ARRAY(SELECT tag FROM unnest(o.requirements) AS tag WHERE tag NOT LIKE 'backend:%')
          || ${to === null ? [] : [`backend:${to}`]}::text[]`,
    );
  }
  if (changes.formerSpecSha256 !== undefined)
    sets.push(sql`former_spec_sha256 = o.former_spec_sha256 || ${changes.formerSpecSha256}::text`);
  if (changes.recoveryBudget === 'refill') sets.push(sql`recoveries = 0`);
  if (changes.recoveryBudget === 'spend')
    sets.push(sql`recoveries = o.recoveries + CASE WHEN ${AWAITS} THEN 1 ELSE 0 END`);
  return sets.length > 0 ? sql`, ${join(sets)}` : empty;
}

const AWAITS = raw(`old.target IN (${list(WAITING_STATUSES)})`);
const KEEPS_LEASE = raw(`old.target IN (${list(LEASED_STATUSES)})`);
const ENDS = raw(`old.target IN ('cancelled', 'completed', 'failed')`);
const WAITS = raw(`u.status IN (${list(WAITING_STATUSES)})`);

/** The time since the last transition is added to the clock that it belongs to; `old` is the locked row. */
export const CLOCKS = raw(`
  queued_ms = o.queued_ms + CASE WHEN o.status IN ('queued', 'resuming') THEN old.ms ELSE 0 END,
  active_ms = o.active_ms + CASE WHEN o.status IN (${list(LEASED_STATUSES)}) THEN old.ms ELSE 0 END,
  paused_ms = o.paused_ms + CASE WHEN o.status = 'paused' THEN old.ms ELSE 0 END,
  status_since = clock_timestamp()`);

/** Milliseconds since the present status began, never negative. */
export const SPENT_MS = raw(
  `greatest(0, floor(extract(epoch FROM clock_timestamp() - o.status_since) * 1000))::bigint AS ms`,
);

/**
 * The checkpoint that it is to continue from, held so that nobody marks it for deletion before this is committed. The
 * operation is locked first, as wherever both are.
 */
function chosenCheckpoint({ resumeCheckpointId: id }: TransitionCommand['changes']): Prisma.Sql {
  if (!id) return empty;
  return sql`, chosen AS (
      SELECT c.id FROM old JOIN checkpoints c ON c.id = ${id} AND c.deleting_at IS NULL FOR SHARE OF c
    )`;
}

/** What the webhooks that want to hear of it are owed, in the same transaction as the transition in `u`. */
export function webhookRows(event: string): Prisma.Sql {
  return sql`wh AS (
      INSERT INTO webhook_deliveries (webhook_id, operation_id, event_seq, payload)
      SELECT w.id, u.id, u.event_seq, jsonb_build_object('operation_id', u.id, 'name', u.name, 'type', u.type,
        'event', ${event}::text, 'status', u.status, 'version', u.version, 'attempt', u.attempt, 'seq', u.event_seq,
        'at', to_char(u.status_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM u JOIN webhooks w ON w.disabled_at IS NULL AND (w.statuses = '{}' OR u.status = ANY(w.statuses))
    )`;
}

/**
 * One statement, so one transaction: the guarded UPDATE, its history row, its event, the end of the attempt, and the
 * outbox row where the operation now waits for a worker. No row comes back when the guard does not hold.
 */
export function transitionStatement(command: TransitionCommand): Prisma.Sql {
  const { operationId, event, actor, reason, expect, details, changes } = command;
  const guards = [
    sql`o.id = ${operationId}`,
    sql`o.status IN ${listOf(statusesBefore(event))}`,
    ...(expect.version === undefined ? [] : [sql`o.version = ${expect.version}`]),
    ...(expect.attempt === undefined ? [] : [sql`o.attempt = ${expect.attempt}`]),
    ...(expect.leaseExpired ? [sql`o.lease_expires_at < clock_timestamp()`] : []),
    ...(expect.checkpointId === undefined
      ? []
      : [
          sql`EXISTS (SELECT 1 FROM checkpoints c
            WHERE c.id = ${expect.checkpointId} AND c.operation_id = o.id AND c.deleting_at IS NULL)`,
        ]),
  ];
  return sql`
    WITH old AS (
      SELECT o.id, o.status, o.worker_id, ${SPENT_MS}, ${raw(target(event))} AS target
      FROM operations o, ${turnOf(operationId)} WHERE ${join(guards, ' AND ')} FOR UPDATE OF o
    )${chosenCheckpoint(changes)}, u AS (
      UPDATE operations o SET
        status = old.target,
        version = o.version + 1,
        event_seq = o.event_seq + 1,
        worker_id = CASE WHEN ${KEEPS_LEASE} THEN o.worker_id END,
        lease_expires_at = CASE WHEN ${KEEPS_LEASE} THEN o.lease_expires_at END,
        finished_at = CASE WHEN ${ENDS} THEN clock_timestamp() END,
        stuck_since = NULL,
        queued_at = ${event === 'resume' ? sql`clock_timestamp()` : sql`o.queued_at`},
        ${CLOCKS}${changed(command)}
      FROM old${raw(changes.resumeCheckpointId ? ', chosen' : '')}
      WHERE o.id = old.id
      RETURNING o.*, old.status AS from_status, old.worker_id AS from_worker
    ), h AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, reason, attempt, at, details)
      SELECT u.id, u.version, ${event}, u.from_status, u.status, ${actor}, ${reason}, u.attempt, u.status_since, ${json(details)}
      FROM u
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, data)
      SELECT u.id, u.event_seq, 'status', u.attempt, u.status_since, ${json(details)} || jsonb_build_object(
        'event', ${event}::text, 'from', u.from_status, 'to', u.status, 'actor', ${actor}::text, 'reason', ${reason}::text,
        'version', u.version)
      FROM u
    ), a AS (
      UPDATE attempts SET ended_at = u.status_since, outcome = ${event}, ended_by = ${actor}
      FROM u WHERE attempts.operation_id = u.id AND attempts.attempt = u.attempt
        AND attempts.ended_at IS NULL AND u.worker_id IS NULL AND u.from_worker IS NOT NULL
    ), x AS (
      INSERT INTO outbox (kind, payload)
      SELECT 'ticket', jsonb_build_object('operationId', u.id, 'pool', u.pool, 'attempt', u.attempt, 'version', u.version)
      FROM u WHERE ${WAITS}
    ), ${webhookRows(event)}
    SELECT ${operationColumns('u')}, u.from_status AS "fromStatus",
      CASE WHEN ${WAITS} THEN ${queuePositionOf('u')} END AS "queuePosition" FROM u`;
}
