import type { DirectedOperation, LeaseRenewal } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { columns, LEASED } from '../database/fragments.js';

const { sql, raw, empty } = Prisma;

const RETURNED = ['id', 'status', 'attempt', 'workerId', 'pauseRequest', 'cancelRequest'];

export interface RenewalCommand extends LeaseRenewal {
  readonly workerId: string;
  readonly leaseMs: number;
}

type RenewedRow = DirectedOperation & { readonly isHeld: boolean };

/**
 * Extends the leases that still stand, and returns each operation as it is now; none: it is gone. One whose
 * row is locked is renewed after the others, alone, so that it delays no other's heartbeat.
 */
export async function renewTogether(
  prisma: Database,
  renewals: readonly RenewalCommand[],
): Promise<readonly (DirectedOperation | undefined | Promise<DirectedOperation | undefined>)[]> {
  // A statement changes a row once, and answers for one of those that name it: an operation is named once in it.
  const first = new Map(renewals.toReversed().map((renewal) => [renewal.operationId, renewal]));
  const named = [...first.values()];
  const rows = await prisma.$rows<RenewedRow>(renewalStatement(named, 'pass-over'));
  const found = new Map(rows.map((row) => [row.id, row]));
  return renewals.map((renewal) => {
    const row = found.get(renewal.operationId);
    return row?.isHeld || first.get(renewal.operationId) !== renewal ? renewAlone(prisma, renewal) : row;
  });
}

async function renewAlone(prisma: Database, renewal: RenewalCommand): Promise<DirectedOperation | undefined> {
  const [row] = await prisma.$rows<RenewedRow>(renewalStatement([renewal], 'wait'));
  return row;
}

function renewalStatement(renewals: readonly RenewalCommand[], held: 'pass-over' | 'wait'): Prisma.Sql {
  const named = renewals.map(({ operationId, attempt, workerId, leaseMs, hasMoved }) => ({
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
        AS r(id text, attempt int, worker_id text, lease_ms float8, moved boolean)
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
      RETURNING o.*
    )
    SELECT ${columns('r', RETURNED)}, false AS "isHeld" FROM renewed r
    UNION ALL
    SELECT ${columns('o', RETURNED)}, ${stands} AS "isHeld" FROM named n JOIN operations o ON o.id = n.id
    WHERE n.id NOT IN (SELECT id FROM free)`;
}
