import {
  afterReport,
  type BestSoFar,
  type Checkpointing,
  type CheckpointingReport,
  type Lease,
  type OperationWarning,
} from '@ktrdr/operations';
import { type Database, writeEvents } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { json, LEASED, lockOperation, tryEventOrderLock, withWarning } from '../database/fragments.js';

const { sql } = Prisma;

/** An event of a worker's training, ready to be written. */
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

/** Events of one attempt, in order. */
export interface AttemptEvents extends Lease {
  readonly events: readonly IngestedEvent[];
}

/** What the operation keeps of its attempts, and a new event may change. */
interface Kept {
  readonly warnings: readonly OperationWarning[];
  readonly checkpointing: Checkpointing | null;
}

/** The attempt may not write any more. */
export const ENDED = -1;

/**
 * Records the events of attempts, each event once, and returns for each attempt how many were new, or {@link ENDED}: its
 * worker is another one, a newer attempt has begun, or another than its worker has ended it. One statement writes all
 * whose row is free; the others follow, those of a worker one by one, after this has settled.
 * @param batches each of another attempt
 */
export async function ingest(prisma: Database, batches: readonly AttemptEvents[]): Promise<readonly Promise<number>[]> {
  const plain = batches.filter(({ events }) => !events.some(({ warning, checkpointing }) => warning ?? checkpointing));
  const asked = JSON.stringify(plain.map((one) => toAsked(one)));
  const write = () => prisma.$rows<Written>(ingestStatement(asked));
  const rows = plain.length > 0 ? await writeEvents(prisma, write) : [];
  const written = new Map(rows.map(({ id, attempt, count }) => [`${id} ${attempt}`, count]));
  const following = new Map<string, Promise<unknown>>();
  return batches.map((one) => {
    const count = written.get(`${one.operationId} ${one.attempt}`);
    if (count !== undefined) return Promise.resolve(count);
    const before = following.get(one.workerId) ?? Promise.resolve();
    const follows = before.then(() => writeEvents(prisma, () => ingestAlone(prisma, one)));
    following.set(
      one.workerId,
      follows.catch(() => undefined),
    );
    return follows;
  });
}

interface Written {
  readonly id: string;
  readonly attempt: number;
  readonly count: number;
}

/** Waits for the row, and sees under its lock what the operation has kept. */
async function ingestAlone(prisma: Database, batch: AttemptEvents): Promise<number> {
  return prisma.$transaction(async (tx) => {
    const { operationId } = batch;
    const select = sql`o.warnings, o.checkpointing`;
    const [kept] = await tx.$queryRaw<Kept[]>(lockOperation(operationId, { select }));
    if (!kept) return ENDED;
    const [row] = await tx.$queryRaw<Written[]>(ingestStatement(JSON.stringify([toAsked(batch, kept)])));
    return row?.count ?? ENDED;
  });
}

function toAsked({ operationId, attempt, workerId, events }: AttemptEvents, kept?: Kept) {
  const ordered = [...new Map(events.map((event) => [event.n, event])).values()].toSorted((a, b) => a.n - b.n);
  const warnings = ordered.flatMap(({ warning, at }) => (warning ? [{ ...warning, at: at.toISOString() }] : []));
  const report = ordered.findLast(({ checkpointing }) => checkpointing)?.checkpointing;
  return {
    id: operationId,
    attempt,
    worker_id: workerId,
    events: ordered.map(({ n, at, type, data, point, metrics }) => ({ n, at, type, data, point, figures: metrics })),
    progress: ordered.findLast(({ progress }) => progress)?.progress,
    metrics: Object.assign({}, ...ordered.map(({ metrics }) => metrics ?? {})) as object,
    best: ordered.findLast(({ best }) => best)?.best,
    ...(kept && warnings.length > 0 ? { warnings: withWarnings(kept.warnings, warnings) } : {}),
    ...(kept && report ? { checkpointing: afterReport(kept.checkpointing, attempt, report) } : {}),
  };
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
 * A row for each operation that was written, or had all of it before. One that another transaction holds, or has written to
 * since this statement began, is passed over: what is known of it would be out of date.
 */
function ingestStatement(asked: string): Prisma.Sql {
  return sql`
    WITH asked AS MATERIALIZED (
      SELECT r.*, ${tryEventOrderLock('r.id')}
      FROM jsonb_to_recordset(${asked}::jsonb) AS r(id text, attempt int, worker_id text, events jsonb, progress jsonb,
        metrics jsonb, best jsonb, warnings jsonb, checkpointing jsonb)
    ), held AS MATERIALIZED (
      SELECT asked.*, o.event_seq
      FROM (SELECT count(*) AS taken FROM asked) AS turns, asked, LATERAL (
        SELECT o.event_seq FROM operations o
        WHERE o.id = asked.id AND o.attempt = asked.attempt AND asked.turn AND turns.taken >= 0
          AND EXISTS (SELECT 1 FROM attempts a WHERE a.operation_id = o.id AND a.attempt = o.attempt
            AND a.worker_id = asked.worker_id AND (a.ended_at IS NULL OR a.ended_by = 'worker:' || a.worker_id))
        FOR UPDATE SKIP LOCKED
      ) AS o
      WHERE o.event_seq = (SELECT seen.event_seq FROM operations seen WHERE seen.id = asked.id)
    ), fresh AS MATERIALIZED (
      SELECT h.id, h.attempt, h.event_seq + row_number() OVER (PARTITION BY h.id ORDER BY e.n) AS seq, e.*
      FROM held h, LATERAL jsonb_to_recordset(h.events) AS e(n int, at timestamptz, type text, data jsonb, point jsonb,
        figures jsonb)
      -- A subquery, so that each is looked up by itself, however many there may be.
      WHERE (SELECT true FROM events k WHERE k.operation_id = h.id AND k.attempt = h.attempt AND k.worker_n = e.n) IS NULL
    ), written AS (
      INSERT INTO events (operation_id, seq, type, attempt, at, worker_n, data)
      SELECT id, seq, type, attempt, at, n, data FROM fresh ORDER BY id, seq
    ), points AS (
      INSERT INTO metric_points (operation_id, attempt, step, epoch, at, values)
      SELECT id, attempt, (point->>'step')::int, (point->>'epoch')::int, at, figures FROM fresh WHERE point IS NOT NULL
      ON CONFLICT DO NOTHING
    ), counted AS (
      SELECT h.*, (SELECT count(*) FROM fresh f WHERE f.id = h.id)::int AS count FROM held h
    ), u AS (
      UPDATE operations o SET event_seq = o.event_seq + c.count,
        metrics = CASE WHEN c.metrics = '{}' THEN o.metrics ELSE coalesce(o.metrics, '{}') || c.metrics END,
        best = coalesce(c.best, o.best),
        warnings = coalesce(c.warnings, o.warnings),
        checkpointing = coalesce(c.checkpointing, o.checkpointing),
        progress = CASE WHEN ${MOVES} THEN c.progress ELSE o.progress END
      FROM counted c WHERE o.id = c.id AND c.count > 0
    )
    SELECT id, attempt, count FROM counted`;
}

/** The last figures can arrive behind the report of the end, and must not move a settled operation's progress. */
const MOVES = sql`o.status IN ${LEASED} AND (c.progress->>'step')::int >= coalesce((o.progress->>'step')::int, 0)`;

/** Names what could be recorded in no way among the operation's warnings, once for each message. */
export async function nameDropped(
  prisma: Database,
  { operationId, attempt, workerId }: Lease,
  { code, message }: Omit<OperationWarning, 'at'>,
): Promise<void> {
  const warning = json({ code, message });
  await prisma.$executeRaw(sql`
    UPDATE operations o SET warnings = ${withWarning(warning)}
    WHERE o.id = ${operationId} AND o.attempt = ${attempt}
      AND EXISTS (SELECT 1 FROM attempts a WHERE a.operation_id = o.id AND a.attempt = o.attempt AND a.worker_id = ${workerId})
      AND NOT o.warnings @> jsonb_build_array(${warning})`);
}
