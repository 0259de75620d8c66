import {
  statusesBefore,
  stringifyStorable,
  type OperationStatus,
  type TransitionCommand,
  transitionsOf,
} from '@ktrdr/operations';
import { eventOrderLock, LEASED, listOf, tryEventOrderLock, WAITING } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { queuePositionOf } from '../workers/work-queue.js';
import { operationColumns, type OperationRow } from './operation-rows.js';
import { CLOCKS, recordTransition, SPENT_MS } from './record-transition.js';
import { changesOf, lossOf, OWN_CHECKPOINT, SAVES_NONE, targetOf } from './transition-changes.js';

const { sql, raw, join, empty, Sql } = Prisma;

export type TransitionRow = OperationRow & {
  readonly fromStatus: OperationStatus;
  readonly queuePosition: string | bigint | null;
};

/** What happens where another transaction holds an operation's row or event order: it is left as it is, or waited for. */
export type Held = 'pass-over' | 'wait';

/** Said in the statement too, for its plan: so few rows are looked up, where for more the whole table would be read. */
export const TOGETHER_AT_MOST = 16;

/** Commands of one kind differ in nothing but their values, so that one statement carries out any number of them. */
export function kindOf({ event, expect, changes }: TransitionCommand): string {
  const named = (values: object) =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([name]) => name);
  const { resumeCheckpointId, recoveryBudget } = changes;
  const checkpoints = [resumeCheckpointId ? 'chosen' : '', expect.checkpointId === null ? 'none' : ''];
  return [event, ...named(expect), ...named(changes), ...checkpoints, recoveryBudget ?? ''].join();
}

const texts = new Map<string, readonly string[]>();

/**
 * One statement, so one transaction: for each command the guarded UPDATE, its history row, its event and the end of
 * the attempt. No row comes back where the guard does not hold, or where the operation was passed over.
 * @param commands of one kind, each for another operation. `wait` is for one alone: a transaction that holds some rows
 * and waits for others can be waited for in turn.
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
  const { event, changes } = command;
  const isAlone = held === 'wait';
  const passingOver = isAlone ? empty : raw('SKIP LOCKED');
  const isChosen = Boolean(changes.resumeCheckpointId);
  return sql`
    WITH asked AS MATERIALIZED (
      SELECT r.*, ${isAlone ? eventOrderLock('r.id') : tryEventOrderLock('r.id')}
      FROM jsonb_to_recordset(${'[]'}::jsonb) AS r(id text, actor text, reason text, version int, attempt int,
        worker_id text, checkpoint_id text, details jsonb, changes jsonb)
      LIMIT ${raw(`${isAlone ? 1 : TOGETHER_AT_MOST}`)}
    ), old AS (
      SELECT o.*, asked.actor, asked.reason, asked.details, asked.changes
      FROM ${isAlone ? empty : ALL_TURNS}asked, LATERAL (
        SELECT o.id, o.status, o.worker_id, (o.progress->>'step')::int AS trained_step, ${SPENT_MS},
          ${targetOf(event)} AS target
        FROM operations o WHERE ${join(guardsOf(command, held), ' AND ')} FOR UPDATE ${passingOver}
      ) AS o
    ), ${isChosen ? chosenCheckpoint(passingOver) : empty}u AS (
      UPDATE operations o SET
        status = old.target,
        version = o.version + 1,
        event_seq = o.event_seq + 1,
        worker_id = CASE WHEN old.target IN ${LEASED} THEN o.worker_id END,
        lease_expires_at = CASE WHEN old.target IN ${LEASED} THEN o.lease_expires_at END,
        finished_at = CASE WHEN old.target IN ('cancelled', 'completed', 'failed') THEN clock_timestamp() END,
        stuck_since = NULL,
        ${event === 'resume' ? raw('queued_at = clock_timestamp(),') : empty}
        ${join([CLOCKS, ...changesOf(command)])}
      FROM old${isChosen ? raw(' JOIN chosen ON chosen.operation_id = old.id') : empty}
      WHERE o.id = old.id
      RETURNING o.*, old.status AS from_status, old.worker_id AS from_worker, old.actor AS by_actor, old.reason AS why,
        old.details || ${lossOf(event)} AS details
    ), ${recordTransition(event, {
      from: raw('u.from_status'),
      actor: raw('u.by_actor'),
      reason: raw('u.why'),
      details: raw('u.details'),
    })}, ended AS (
      UPDATE attempts SET ended_at = u.status_since, outcome = ${raw(`'${event}'`)}, ended_by = u.by_actor
      FROM u WHERE attempts.operation_id = u.id AND attempts.attempt = u.attempt
        AND attempts.ended_at IS NULL AND u.worker_id IS NULL AND u.from_worker IS NOT NULL
    )${event === 'resume' && isChosen ? LINE : empty}${event === 'lease-expired' ? SILENT_CLAIM : empty}
    SELECT ${operationColumns('u')}, u.from_status AS "fromStatus",
      CASE WHEN u.status IN ${WAITING} THEN ${queuePositionOf('u', isAlone ? [] : ['u'])} END AS "queuePosition" FROM u`;
}

/** Takes the event order of all before the first row is locked, which is when the transaction is given its id. */
const ALL_TURNS = raw('(SELECT count(*) AS taken FROM asked) AS turns, ');

/** What must hold of row `o` for the command `asked`. */
function guardsOf({ event, expect }: TransitionCommand, held: Held): Prisma.Sql[] {
  return [
    sql`o.id = asked.id`,
    sql`o.status IN ${listOf(statusesBefore(event))}`,
    ...(held === 'pass-over' ? [sql`asked.turn AND turns.taken >= 0`] : []),
    ...(expect.version === undefined ? [] : [sql`o.version = asked.version`]),
    ...(expect.attempt === undefined ? [] : [sql`o.attempt = asked.attempt`]),
    ...(expect.workerId === undefined ? [] : [sql`o.worker_id = asked.worker_id`]),
    ...(expect.leaseExpired ? [sql`o.lease_expires_at < clock_timestamp()`] : []),
    ...(expect.checkpointId === undefined ? [] : [expect.checkpointId === null ? SAVES_NONE : OWN_CHECKPOINT]),
  ];
}

/**
 * The checkpoint to continue from, held so that it is not marked for deletion before this is committed. The operation is
 * locked first, as wherever both are.
 */
function chosenCheckpoint(passingOver: Prisma.Sql): Prisma.Sql {
  return sql`chosen AS (
      SELECT old.id AS operation_id FROM old, LATERAL (
        SELECT 1 FROM checkpoints c WHERE c.id = old.changes->>'resumeCheckpointId' AND c.deleting_at IS NULL
        FOR SHARE ${passingOver}
      ) AS held
    ), `;
}

/**
 * A resume from the chosen checkpoint `x` supersedes what is further on or was saved by later attempts. What was
 * superseded since `x` was saved, but was on the way to it, is current again.
 */
const LINE = raw(`, line AS (
      UPDATE checkpoints c SET superseded_at = CASE WHEN c.superseded_at IS NULL THEN clock_timestamp() END
      FROM u JOIN checkpoints x ON x.id = u.resume_checkpoint_id
      WHERE c.operation_id = u.id AND (c.superseded_at IS NULL) <> (c.step <= x.step AND c.attempt <= x.attempt
        AND (c.superseded_at IS NULL OR c.superseded_at > x.committed_at))
    )`);

/** The attempt was silent since its claim. A worker with some of these in a row gets no more work. */
const SILENT_CLAIM = raw(`, silent AS (
      UPDATE workers w SET silent_claims = w.silent_claims + 1
      FROM u JOIN attempts t ON t.operation_id = u.id AND t.attempt = u.attempt
      WHERE w.id = u.from_worker AND t.restored_at IS NULL
    )`);

/** Whether the operation's checkpoints decide where the event leads. */
export function asksForCheckpoints(event: TransitionCommand['event']): boolean {
  return transitionsOf(event).some(({ condition }) => condition === 'with-checkpoint');
}
