import {
  CHECKPOINTED_TYPES,
  LEASED_STATUSES,
  type OperationChanges,
  type OperationEvent,
  statusesBefore,
  stringifyStorable,
  type TransitionCommand,
  type TransitionCondition,
  transitionsOf,
  WAITING_STATUSES,
} from '@ktrdr/operations';
import { Prisma } from '../generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { queuePositionOf } from './queue-position.js';
import { listOf } from '../database/status-lists.js';
import { eventOrderLockColumn, tryEventOrderLock } from '../database/event-order-lock.js';

const { sql, raw, join, empty, Sql } = Prisma;

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

/** Events that can lead back to `queued`. */
const REWINDS: readonly TransitionCommand['event'][] = (['crash', 'release', 'lease-expired'] as const).filter(
  (event) => transitionsOf(event).some(({ to }) => to === 'queued'),
);

/** How far what begins again without a checkpoint had come: behind this nothing tells it any more. */
const LOSS = raw(` || CASE WHEN old.target = 'queued' AND old.trained_step > 0
  THEN jsonb_build_object('checkpoint_id', NULL, 'step', 0, 'lost_steps', old.trained_step) ELSE '{}' END`);

/** What a command wants changed, as JSON; where there may be none of it, JSON's null becomes PostgreSQL's. */
const given = (name: keyof OperationChanges) => raw(`(old.changes->'${name}')`);
const givenOrNull = (name: keyof OperationChanges) => raw(`nullif(old.changes->'${name}', 'null')`);

/** Columns that follow from the command rather than from the status. */
function changed({ changes, event }: TransitionCommand): Prisma.Sql {
  const sets: Prisma.Sql[] = [];
  if (changes.pauseRequest !== undefined) sets.push(sql`pause_request = ${givenOrNull('pauseRequest')}`);
  if (changes.cancelRequest !== undefined) sets.push(sql`cancel_request = ${givenOrNull('cancelRequest')}`);
  if (changes.resumeCheckpointId !== undefined)
    sets.push(sql`resume_checkpoint_id = old.changes->>'resumeCheckpointId'`);
  if (changes.result !== undefined) sets.push(sql`result = ${given('result')}`);
  if (changes.error !== undefined)
    sets.push(sql`error = CASE WHEN old.target = 'failed' THEN ${givenOrNull('error')} END`);
  if (changes.position !== undefined || REWINDS.includes(event)) {
    const reached = changes.position !== undefined ? sql`o.progress || ${given('position')}` : sql`o.progress`;
    // Without a checkpoint all work is lost: it begins again, and says so.
    sets.push(sql`progress = CASE WHEN o.progress IS NULL THEN NULL
      WHEN old.target = 'queued' THEN o.progress || '{"step": 0, "epoch": 0}'::jsonb ELSE ${reached} END`);
  }
  if (changes.warning !== undefined)
    sets.push(sql`warnings = o.warnings || jsonb_build_array(${given('warning')}
      || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`);
  if (changes.pauseRecord !== undefined) sets.push(sql`pause_record = ${given('pauseRecord')}`);
  if (changes.overrides !== undefined) sets.push(sql`overrides = ${given('overrides')}`);
  if (changes.backendChange !== undefined) {
    const to = raw(`${given('backendChange').sql}->>'to'`);
    sets.push(
      sql`pinned_backend = NULL,
        backend_change_allowed = o.backend_change_allowed OR (${given('backendChange')}->'isAllowed')::boolean,
        requirements = ARRAY(SELECT tag FROM unnest(o.requirements) AS tag WHERE tag NOT LIKE 'backend:%')
          || CASE WHEN ${to} IS NULL THEN '{}' ELSE ARRAY['backend:' || (${to})] END`,
    );
  }
  if (changes.formerSpecSha256 !== undefined)
    sets.push(sql`former_spec_sha256 = o.former_spec_sha256 || (old.changes->>'formerSpecSha256')`);
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

/** Its type saves none, or its own trainer decides whether it does. */
const SAVES_NONE = raw(`(o.type NOT IN (${list(CHECKPOINTED_TYPES)}) OR o.spec ? 'trainer')`);

/** Committed in this attempt; or, as long as it has made no step, where the line that it was claimed with ends. */
const OWN_CHECKPOINT = raw(`EXISTS (
      SELECT 1 FROM checkpoints c JOIN attempts t ON t.operation_id = o.id AND t.attempt = o.attempt
      WHERE c.id = asked.checkpoint_id AND c.operation_id = o.id AND c.deleting_at IS NULL
        AND (c.attempt = o.attempt OR (c.step = (asked.changes->'position'->>'step')::int
          AND CASE WHEN t.restored_at IS NULL THEN c.superseded_at IS NULL
            ELSE c.id = t.checkpoint_id AND coalesce((o.progress->>'step')::int, 0) <= t.start_step END)))`);

/** What becomes of operations whose row or turn somebody else holds: they are left as they are, or waited for. */
export type Held = 'pass-over' | 'wait';

/**
 * The checkpoint that it is to continue from, held so that nobody marks it for deletion before this is committed. The
 * operation is locked first, as wherever both are.
 */
function chosenCheckpoints(held: Held): Prisma.Sql {
  return sql`, chosen AS (
      SELECT old.id AS operation_id FROM old, LATERAL (
        SELECT 1 FROM checkpoints c WHERE c.id = old.changes->>'resumeCheckpointId' AND c.deleting_at IS NULL
        FOR SHARE ${passingOver(held)}
      ) AS held
    )`;
}

/**
 * What it leaves behind by going on from the chosen one, `x`: what is further on, or was saved by later attempts. What it
 * had left behind since that was saved, but was on the way to it, is of its line again.
 */
const LINE = raw(`, line AS (
      UPDATE checkpoints c SET superseded_at = CASE WHEN c.superseded_at IS NULL THEN clock_timestamp() END
      FROM u JOIN checkpoints x ON x.id = u.resume_checkpoint_id
      WHERE c.operation_id = u.id AND (c.superseded_at IS NULL) <> (c.step <= x.step AND c.attempt <= x.attempt
        AND (c.superseded_at IS NULL OR c.superseded_at > x.committed_at))
    )`);

/** Nothing was heard of the attempt since its claim. Some of these in a row, and its worker gets no more work. */
const SILENT_CLAIM = raw(`, silent AS (
      UPDATE workers w SET silent_claims = w.silent_claims + 1
      FROM u JOIN attempts t ON t.operation_id = u.id AND t.attempt = u.attempt
      WHERE w.id = u.from_worker AND t.restored_at IS NULL
    )`);

function passingOver(held: Held): Prisma.Sql {
  return held === 'pass-over' ? raw('SKIP LOCKED') : empty;
}

/** What the webhooks that want to hear of it are owed, in the same transaction as the transition in `u`. */
export function webhookRows(event: OperationEvent): Prisma.Sql {
  return sql`wh AS (
      INSERT INTO webhook_deliveries (webhook_id, operation_id, event_seq, payload)
      SELECT w.id, u.id, u.event_seq, jsonb_build_object('operation_id', u.id, 'name', u.name, 'type', u.type,
        'event', ${raw(`'${event}'`)}, 'status', u.status, 'version', u.version, 'attempt', u.attempt, 'seq', u.event_seq,
        'at', to_char(u.status_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM u JOIN webhooks w ON w.disabled_at IS NULL AND (w.statuses = '{}' OR u.status = ANY(w.statuses))
    )`;
}

/**
 * Commands of one kind differ in nothing but their values: one statement, prepared once, carries out any number of them.
 */
export function kindOf({ event, expect, changes }: TransitionCommand): string {
  const named = (values: object) =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([name]) => name);
  const { resumeCheckpointId, recoveryBudget } = changes;
  const checkpoints = [resumeCheckpointId ? 'chosen' : '', expect.checkpointId === null ? 'none' : ''];
  return [event, ...named(expect), ...named(changes), ...checkpoints, recoveryBudget ?? ''].join();
}

/** Said in the statement too, for its plan: so few rows are looked up, where for more the whole table would be read. */
export const TOGETHER_AT_MOST = 16;

const texts = new Map<string, readonly string[]>();

/**
 * One statement, so one transaction: for each command the guarded UPDATE, its history row, its event and the end of
 * the attempt. No row comes back where the guard does not hold, or where the operation was passed over.
 * @param commands of one kind, each for another operation. `wait` is for one alone: who holds the rows of several and
 * waits for others is waited for in turn.
 */
export function transitionStatement(
  commands: readonly [TransitionCommand, ...TransitionCommand[]],
  held: Held,
): Prisma.Sql {
  const kind = `${held} ${kindOf(commands[0])}`;
  const strings = texts.get(kind) ?? statementOf(commands[0], held).strings;
  texts.set(kind, strings);
  return new Sql(strings, [stringifyStorable(commands.map(toAsked))]);
}

function toAsked({ operationId, actor, reason, expect, details, changes }: TransitionCommand) {
  const { position } = changes;
  const { version, attempt, workerId, checkpointId } = expect;
  return {
    id: operationId,
    actor,
    reason,
    version,
    attempt,
    worker_id: workerId,
    checkpoint_id: checkpointId,
    details,
    changes: { ...changes, ...(position ? { position: { step: position.step, epoch: position.epoch } } : {}) },
  };
}

/** The statement of a command's kind, with one value: what is asked for. */
function statementOf(command: TransitionCommand, held: Held): Prisma.Sql {
  const { event, expect, changes } = command;
  const guards = [
    sql`o.id = asked.id`,
    sql`o.status IN ${listOf(statusesBefore(event))}`,
    ...(held === 'pass-over' ? [sql`asked.turn AND turns.taken >= 0`] : []),
    ...(expect.version === undefined ? [] : [sql`o.version = asked.version`]),
    ...(expect.attempt === undefined ? [] : [sql`o.attempt = asked.attempt`]),
    ...(expect.workerId === undefined ? [] : [sql`o.worker_id = asked.worker_id`]),
    ...(expect.leaseExpired ? [sql`o.lease_expires_at < clock_timestamp()`] : []),
    ...(expect.checkpointId === undefined ? [] : [expect.checkpointId === null ? SAVES_NONE : OWN_CHECKPOINT]),
  ];
  const name = raw(`'${event}'`);
  const isChosen = Boolean(changes.resumeCheckpointId);
  // All turns are taken before the first row is locked, which is when the transaction is given its id.
  const turns = held === 'pass-over' ? sql`(SELECT count(*) AS taken FROM asked) AS turns, ` : empty;
  return sql`
    WITH asked AS MATERIALIZED (
      SELECT r.*, ${held === 'pass-over' ? tryEventOrderLock('r.id') : eventOrderLockColumn('r.id')}
      FROM jsonb_to_recordset(${'[]'}::jsonb) AS r(id text, actor text, reason text, version int, attempt int,
        worker_id text, checkpoint_id text, details jsonb, changes jsonb)
      LIMIT ${raw(held === 'wait' ? '1' : `${TOGETHER_AT_MOST}`)}
    ), old AS (
      SELECT o.*, asked.actor, asked.reason, asked.details, asked.changes
      FROM ${turns}asked, LATERAL (
        SELECT o.id, o.status, o.worker_id, (o.progress->>'step')::int AS trained_step, ${SPENT_MS},
          ${raw(target(event))} AS target
        FROM operations o WHERE ${join(guards, ' AND ')} FOR UPDATE ${passingOver(held)}
      ) AS o
    )${isChosen ? chosenCheckpoints(held) : empty}, u AS (
      UPDATE operations o SET
        status = old.target,
        version = o.version + 1,
        event_seq = o.event_seq + 1,
        worker_id = CASE WHEN ${KEEPS_LEASE} THEN o.worker_id END,
        lease_expires_at = CASE WHEN ${KEEPS_LEASE} THEN o.lease_expires_at END,
        finished_at = CASE WHEN ${ENDS} THEN clock_timestamp() END,
        stuck_since = NULL,
        queued_at = ${event === 'resume' ? raw('clock_timestamp()') : raw('o.queued_at')},
        ${CLOCKS}${changed(command)}
      FROM old${isChosen ? raw(' JOIN chosen ON chosen.operation_id = old.id') : empty}
      WHERE o.id = old.id
      RETURNING o.*, old.status AS from_status, old.worker_id AS from_worker,
        old.actor AS by_whom, old.reason AS why, old.details${REWINDS.includes(event) ? LOSS : empty} AS details
    ), h AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, reason, attempt, at, details)
      SELECT u.id, u.version, ${name}, u.from_status, u.status, u.by_whom, u.why, u.attempt, u.status_since, u.details
      FROM u
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, data)
      SELECT u.id, u.event_seq, 'status', u.attempt, u.status_since, u.details || jsonb_build_object(
        'event', ${name}, 'from', u.from_status, 'to', u.status, 'actor', u.by_whom, 'reason', u.why,
        'version', u.version)
      FROM u
    ), a AS (
      UPDATE attempts SET ended_at = u.status_since, outcome = ${name}, ended_by = u.by_whom
      FROM u WHERE attempts.operation_id = u.id AND attempts.attempt = u.attempt
        AND attempts.ended_at IS NULL AND u.worker_id IS NULL AND u.from_worker IS NOT NULL
    ), ${webhookRows(event)}${event === 'resume' && isChosen ? LINE : empty}${
      event === 'lease-expired' ? SILENT_CLAIM : empty
    }
    SELECT ${operationColumns('u')}, u.from_status AS "fromStatus",
      CASE WHEN ${WAITS} THEN ${queuePositionOf('u', held === 'pass-over' ? ['u'] : [])} END AS "queuePosition" FROM u`;
}
