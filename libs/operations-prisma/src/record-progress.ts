import {
  afterReport,
  type BestSoFar,
  type Checkpointing,
  type CheckpointingReport,
  type Lease,
  type OperationWarning,
} from '@ktrdr/operations';
import type { Database } from './database.js';
import { Prisma, type Operation as OperationRow } from './generated/prisma/client.js';
import { operationColumns } from './operation-rows.js';
import { LEASED, WAITING } from './status-lists.js';
import { turnOf } from './turn.js';

const { sql } = Prisma;
const json = (value: unknown) => sql`${JSON.stringify(value)}::jsonb`;

type Transaction = Prisma.TransactionClient;

/** Its row, locked, so that what follows in this transaction sees everything that was written under the lock before. */
export async function heldRow(tx: Transaction, lease: Lease): Promise<OperationRow | null> {
  const [row] = await tx.$queryRaw<OperationRow[]>(sql`
    SELECT ${operationColumns('o')} FROM operations o, ${turnOf(lease.operationId)}
    WHERE o.id = ${lease.operationId} AND o.attempt = ${lease.attempt} AND o.worker_id = ${lease.workerId}
      AND o.status IN ${LEASED} FOR UPDATE OF o`);
  return row ?? null;
}

/** Adds a warning with its event; an attempt's warning is added once. No row: the lease is lost. */
export async function warn(
  prisma: Database,
  lease: Lease,
  warning: Omit<OperationWarning, 'at'>,
  details: Readonly<Record<string, unknown>>,
): Promise<OperationRow | null> {
  return prisma.$transaction(async (tx) => {
    const held = await heldRow(tx, lease);
    if (!held) return null;
    const told = await tx.$queryRaw<unknown[]>(sql`
      SELECT 1 FROM events WHERE operation_id = ${lease.operationId} AND attempt = ${lease.attempt} AND type = 'warning'
        AND data->>'code' = ${warning.code} AND data->>'message' = ${warning.message} LIMIT 1`);
    return told.length > 0 ? held : warnedRow(tx, lease, warning, details);
  });
}

async function warnedRow(
  tx: Transaction,
  lease: Lease,
  warning: Omit<OperationWarning, 'at'>,
  details: Readonly<Record<string, unknown>>,
): Promise<OperationRow | null> {
  const [row] = await tx.$queryRaw<OperationRow[]>(sql`
    WITH u AS (
      UPDATE operations o SET event_seq = o.event_seq + 1,
        warnings = o.warnings || jsonb_build_array(${json(warning)}
          || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
      WHERE o.id = ${lease.operationId} AND o.attempt = ${lease.attempt} AND o.worker_id = ${lease.workerId}
        AND o.status IN ${LEASED}
      RETURNING o.*
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT u.id, u.event_seq, 'warning', u.attempt, ${json({ ...details, ...warning })} FROM u
    )
    SELECT ${operationColumns('u')} FROM u`);
  return row ?? null;
}

/** Marks it as stuck, with its warning and event; false when it has moved, or was marked before. */
export async function markStuck(
  prisma: Database,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  message: string,
): Promise<boolean> {
  const rows = await prisma.$queryRaw<unknown[]>(sql`
    WITH old AS (
      SELECT o.id FROM operations o, ${turnOf(id)}
      WHERE o.id = ${id} AND o.attempt = ${attempt} AND o.status = 'running' AND o.stuck_since IS NULL
        AND o.progress_at < clock_timestamp() - interval '1 second' * (o.watchdog->>'seconds')::float8
      FOR UPDATE OF o
    ), u AS (
      UPDATE operations o SET stuck_since = clock_timestamp(), event_seq = o.event_seq + 1,
        warnings = o.warnings || jsonb_build_array(${json({ code: 'trainer-stalled', message })}
          || jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
      FROM old WHERE o.id = old.id
      RETURNING o.id, o.event_seq, o.attempt
    )
    INSERT INTO events (operation_id, seq, type, attempt, data)
    SELECT u.id, u.event_seq, 'stuck', u.attempt, ${json({ message })} FROM u RETURNING seq`);
  return rows.length === 1;
}

/** Moves a waiting operation within its pool's queue. null: it does not wait. */
export async function prioritise(
  prisma: Database,
  id: string,
  priority: number | 'front',
  actor: string,
): Promise<OperationRow | null> {
  const target =
    priority === 'front'
      ? sql`(SELECT coalesce(max(b.priority), 0) + 1 FROM operations b
          WHERE b.pool = o.pool AND b.id <> o.id AND b.status IN ${WAITING})`
      : sql`${priority}::int`;
  const [row] = await prisma.$queryRaw<OperationRow[]>(sql`
    WITH old AS (
      SELECT o.id FROM operations o, ${turnOf(id)} WHERE o.id = ${id} AND o.status IN ${WAITING} FOR UPDATE OF o
    ), u AS (
      UPDATE operations o SET priority = ${target}, event_seq = o.event_seq + 1
      FROM old WHERE o.id = old.id RETURNING o.*
    ), e AS (
      INSERT INTO events (operation_id, seq, type, attempt, data)
      SELECT u.id, u.event_seq, 'priority', u.attempt, jsonb_build_object('priority', u.priority, 'actor', ${actor}::text)
      FROM u
    )
    SELECT ${operationColumns('u')} FROM u`);
  return row ?? null;
}

/** One thing that a worker told while training, ready to be written. */
export interface IngestedEvent {
  readonly n: number;
  readonly at: Date;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly progress?: { readonly step: number } & Readonly<Record<string, unknown>>;
  readonly metrics?: Readonly<Record<string, unknown>>;
  readonly point?: { readonly step: number; readonly epoch: number };
  readonly best?: BestSoFar;
  readonly warning?: Omit<OperationWarning, 'at'>;
  readonly checkpointing?: CheckpointingReport;
}

const WARNINGS_KEPT = 50;

/** The same warning again takes the place of the earlier one; the events keep them all. */
function withWarnings(
  earlier: readonly OperationWarning[],
  later: readonly OperationWarning[],
): readonly OperationWarning[] {
  const kept = new Map<string, OperationWarning>();
  for (const warning of [...earlier, ...later]) {
    const key = `${warning.code} ${warning.message}`;
    kept.delete(key);
    kept.set(key, warning);
  }
  return [...kept.values()].slice(-WARNINGS_KEPT);
}

/**
 * Takes in what one attempt told, in order, once. What a worker told before it reported the end may arrive behind it.
 * Returns how many were new; -1 when the attempt may not write any more: it was taken from its worker, by the sweeper or
 * by a policy, or a newer one has begun.
 */
export async function ingest(
  prisma: Database,
  lease: Omit<Lease, 'workerId'>,
  events: readonly IngestedEvent[],
): Promise<number> {
  return prisma.$transaction(async (tx) => {
    const [held] = await tx.$queryRaw<
      {
        eventSeq: number;
        step: number;
        isLeased: boolean;
        warnings: OperationWarning[];
        checkpointing: Checkpointing | null;
      }[]
    >(sql`
      SELECT o.event_seq AS "eventSeq", o.warnings, o.checkpointing, coalesce((o.progress->>'step')::int, 0) AS step,
        o.status IN ${LEASED} AS "isLeased"
      FROM operations o JOIN attempts a ON a.operation_id = o.id AND a.attempt = o.attempt, ${turnOf(lease.operationId)}
      WHERE o.id = ${lease.operationId} AND o.attempt = ${lease.attempt}
        AND (a.ended_at IS NULL OR a.ended_by = 'worker:' || a.worker_id)
      -- Both: of a row that it does not lock, a statement that had to wait sees what was there before.
      FOR UPDATE OF o, a`);
    if (!held) return -1;
    const told = await tx.operationEvent.findMany({
      where: { operationId: lease.operationId, attempt: lease.attempt, workerN: { in: events.map(({ n }) => n) } },
      select: { workerN: true },
    });
    const known = new Set(told.map(({ workerN }) => workerN));
    const fresh = [
      ...new Map(events.filter(({ n }) => !known.has(n)).map((event) => [event.n, event])).values(),
    ].toSorted((a, b) => a.n - b.n);
    if (fresh.length === 0) return 0;
    await tx.operationEvent.createMany({
      data: fresh.map(({ n, at, type, data }, index) => ({
        operationId: lease.operationId,
        seq: held.eventSeq + 1 + index,
        type,
        attempt: lease.attempt,
        at,
        workerN: n,
        data: data as Prisma.InputJsonValue,
      })),
    });
    const points = fresh.flatMap(({ point, metrics, at }) => (point && metrics ? [{ ...point, metrics, at }] : []));
    if (points.length > 0) {
      await tx.metricPoint.createMany({
        skipDuplicates: true,
        data: points.map(({ step, epoch, metrics, at }) => ({
          operationId: lease.operationId,
          attempt: lease.attempt,
          step,
          epoch,
          at,
          values: metrics as Prisma.InputJsonValue,
        })),
      });
    }
    // Another replica may have written what came later: an attempt's progress does not go back.
    const progress = fresh.findLast((event) => event.progress && event.progress.step >= held.step)?.progress;
    const metrics = Object.assign({}, ...fresh.map((event) => event.metrics ?? {})) as Record<string, unknown>;
    const best = fresh.findLast((event) => event.best)?.best;
    const report = fresh.findLast((event) => event.checkpointing)?.checkpointing;
    const newWarnings = fresh.flatMap(({ warning, at }) => (warning ? [{ ...warning, at: at.toISOString() }] : []));
    const warnings = withWarnings(held.warnings, newWarnings);
    // The last figures can arrive behind the report of the end; they must not move a settled operation's progress.
    const moved =
      held.isLeased && progress
        ? sql`, progress = ${json(progress)}, progress_at = clock_timestamp(), stuck_since = NULL`
        : sql``;
    await tx.$executeRaw(sql`
      UPDATE operations SET event_seq = event_seq + ${fresh.length}
        ${Object.keys(metrics).length > 0 ? sql`, metrics = coalesce(metrics, '{}'::jsonb) || ${json(metrics)}` : sql``}
        ${best ? sql`, best = ${json(best)}` : sql``}
        ${report ? sql`, checkpointing = ${json(afterReport(held.checkpointing, lease.attempt, report))}` : sql``}
        ${newWarnings.length > 0 ? sql`, warnings = ${json(warnings)}` : sql``}${moved}
      WHERE id = ${lease.operationId}`);
    return fresh.length;
  });
}
