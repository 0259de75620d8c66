import type { OperationStatus } from '@ktrdr/operations';
import { type Database, writeEvents } from '../database/database.js';
import { WAITING } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { type CheckpointJson, checkpointsOf } from '../checkpoints/checkpoint-rows.js';
import { operationColumns, type OperationRow } from '../operations/operation-rows.js';
import { CLOCKS, recordTransition, SPENT_MS } from '../operations/record-transition.js';
import { TAKES_WORK } from '../workers/work-queue.js';

const { sql, raw } = Prisma;

/** What a worker asks for. */
export interface ClaimRequest {
  readonly workerId: string;
  /** Names the request, however often it is sent. */
  readonly claimId: string;
  readonly pool: string;
  readonly capabilities: readonly string[];
  readonly leaseMs: number;
}

/** Those that this worker could be given; none when `claimId` has already had its operation, or it may take none. */
function claimable({ workerId, claimId, pool, capabilities }: ClaimRequest): Prisma.Sql {
  return sql`o.status IN ${WAITING} AND o.pool = ${pool}
    AND o.requirements <@ ${[...capabilities]}::text[]
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE claim_id = ${claimId})
    AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = ${workerId} AND NOT ${TAKES_WORK})`;
}

export type ClaimedRow = OperationRow & {
  /** The status in which it has waited for a worker, and for how many milliseconds. */
  readonly fromStatus: OperationStatus;
  readonly waitedMs: string;
  /** Newest first, as the statement saw them. */
  readonly checkpoints: readonly CheckpointJson[];
  /** False: it was claimed, and given back, after the statement began to look; its checkpoints may be older than it. */
  readonly isAsSeen: boolean;
  /** Others of its pool wait too. */
  readonly leavesMore: boolean;
};

/**
 * Claims the first operation that can be had. Where another transaction holds the only ones, it waits: the hint that
 * brought the claim is spent by its answer.
 */
export async function claimFirst(prisma: Database, request: ClaimRequest): Promise<ClaimedRow | undefined> {
  const [free] = await writeEvents(prisma, () => prisma.$rows<ClaimedRow>(claimStatement(request, 'skip')));
  if (free) return free;
  const [found] = await prisma.$rows<{ isClaimable: boolean }>(isAnythingClaimable(request));
  if (!found?.isClaimable) return undefined;
  const [held] = await writeEvents(prisma, () => prisma.$rows<ClaimedRow>(claimStatement(request, 'wait')));
  return held;
}

/** Whether there is anything to claim, though another transaction may hold its row. */
function isAnythingClaimable(request: ClaimRequest): Prisma.Sql {
  return sql`SELECT EXISTS (SELECT 1 FROM operations o WHERE ${claimable(request)}) AS "isClaimable"`;
}

/**
 * Gives the first operation that this worker can run to it: priority, then age. The new attempt number is its fencing
 * token. Which operation it is, is decided here alone, so order is exact and survives restarts. No row: nothing waits,
 * or `claimId` has already had its operation.
 * @param locked whether rows that another transaction holds are passed over, or waited for. Passing over lets many claim
 * at once; but that transaction need not be a claim, so a row passed over may still wait.
 */
function claimStatement(request: ClaimRequest, locked: 'skip' | 'wait'): Prisma.Sql {
  const { workerId, claimId, leaseMs } = request;
  return sql`
    WITH old AS (
      SELECT o.id, o.status, ${SPENT_MS} FROM operations o
      WHERE ${claimable(request)}
      ORDER BY o.priority DESC, o.queued_at, o.id
      LIMIT 1 FOR UPDATE ${raw(locked === 'skip' ? 'SKIP LOCKED' : '')}
    ), u AS (
      UPDATE operations o SET
        status = 'running',
        version = o.version + 1,
        attempt = o.attempt + 1,
        event_seq = o.event_seq + 1,
        worker_id = ${workerId},
        lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond',
        started_at = coalesce(o.started_at, clock_timestamp()),
        progress_at = clock_timestamp(),
        stuck_since = NULL,
        ${CLOCKS}
      FROM old WHERE o.id = old.id
      RETURNING o.*, old.status AS from_status, old.ms AS waited_ms
    ), a AS (
      INSERT INTO attempts (operation_id, attempt, worker_id, claim_id, claimed_at, claimed_step)
      SELECT u.id, u.attempt, ${workerId}, ${claimId}, u.status_since, coalesce((u.progress->>'step')::int, 0) FROM u
    ), ${recordTransition('claim', { from: raw('u.from_status'), actor: sql`${`worker:${workerId}`}::text` })}
    SELECT ${operationColumns('u')}, u.from_status AS "fromStatus", u.waited_ms AS "waitedMs",
      ${checkpointsOf('u')} AS checkpoints,
      (SELECT seen.version FROM operations seen WHERE seen.id = u.id) = u.version - 1 AS "isAsSeen",
      EXISTS (SELECT 1 FROM operations m WHERE m.status IN ${WAITING} AND m.pool = u.pool AND m.id <> u.id) AS "leavesMore"
    FROM u`;
}

/** Whether a claim failed because another with its id, at the same time, was first. */
export function isClaimedAlready(error: unknown): boolean {
  return error instanceof Error && (error as { readonly constraint?: unknown }).constraint === 'attempts_claim_id_key';
}
