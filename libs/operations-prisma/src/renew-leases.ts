import type { DirectedOperation, LeaseRenewal } from '@ktrdr/operations';
import { type Database, reach } from './database.js';
import { Prisma } from './generated/prisma/client.js';
import { LEASED } from './status-lists.js';

const { sql, raw, empty } = Prisma;

export interface RenewalCommand extends LeaseRenewal {
  readonly workerId: string;
  readonly leaseMs: number;
}

type RenewedRow = DirectedOperation & { readonly n: number; readonly isHeld: boolean };

/**
 * Extends the leases that still stand, and returns each operation as it is now; none: it is gone. Whose row somebody else
 * holds is renewed after the others, alone: one operation that is held up holds up no other's heartbeat.
 */
export async function renewTogether(
  prisma: Database,
  renewals: readonly RenewalCommand[],
): Promise<readonly (DirectedOperation | undefined | Promise<DirectedOperation | undefined>)[]> {
  // A row is changed once in a statement: who is told twice is renewed twice.
  const first = new Map(renewals.map(({ operationId }, n) => [operationId, n] as const).toReversed());
  const rows = await reach(() => prisma.$rows<RenewedRow>(renewalStatement(renewals, 'pass-over')));
  const found = new Map(rows.map((row) => [row.n, row]));
  return renewals.map((renewal, n) => {
    const row = found.get(n);
    return row?.isHeld || first.get(renewal.operationId) !== n ? renewAlone(prisma, renewal) : row;
  });
}

async function renewAlone(prisma: Database, renewal: RenewalCommand): Promise<DirectedOperation | undefined> {
  const [row] = await reach(() => prisma.$rows<RenewedRow>(renewalStatement([renewal], 'wait')));
  return row;
}

function renewalStatement(renewals: readonly RenewalCommand[], held: 'pass-over' | 'wait'): Prisma.Sql {
  const named = renewals.map(({ operationId, attempt, workerId, leaseMs, hasMoved = false }, n) => ({
    n,
    id: operationId,
    attempt,
    worker_id: workerId,
    lease_ms: leaseMs,
    moved: hasMoved,
  }));
  const stands = sql`o.attempt = n.attempt AND o.worker_id = n.worker_id AND o.status IN ${LEASED}`;
  return sql`
    WITH named AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(named)}::jsonb)
        AS r(n int, id text, attempt int, worker_id text, lease_ms float8, moved boolean)
    ), free AS MATERIALIZED (
      SELECT n.* FROM named n, LATERAL (
        SELECT 1 FROM operations o WHERE o.id = n.id AND ${stands}
        FOR NO KEY UPDATE ${held === 'pass-over' ? raw('SKIP LOCKED') : empty}
      ) AS o
    ), renewed AS (
      UPDATE operations o SET lease_expires_at = clock_timestamp() + n.lease_ms * interval '1 millisecond',
        progress_at = CASE WHEN n.moved THEN clock_timestamp() ELSE o.progress_at END,
        stuck_since = CASE WHEN NOT n.moved THEN o.stuck_since END
      FROM free n WHERE o.id = n.id
      RETURNING o.*, n.n
    )
    SELECT ${columnsOf('r')}, r.n, false AS "isHeld" FROM renewed r
    UNION ALL
    SELECT ${columnsOf('o')}, n.n, ${stands} AS "isHeld" FROM named n JOIN operations o ON o.id = n.id
    WHERE n.n NOT IN (SELECT n FROM free)`;
}

function columnsOf(row: string): Prisma.Sql {
  return raw(`${row}.id, ${row}.status, ${row}.attempt, ${row}.worker_id AS "workerId", ${row}.pause_request AS "pauseRequest",
      ${row}.cancel_request AS "cancelRequest"`);
}
