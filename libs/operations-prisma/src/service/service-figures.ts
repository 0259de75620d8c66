import { type Checkpointing, OPERATION_STATUSES } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { LEASED, WAITING } from '../database/fragments.js';

const { sql } = Prisma;

export interface ServiceFigures {
  /** Of each pool that has operations or workers, every status, zeros too. */
  readonly operations: readonly { readonly pool: string; readonly status: string; readonly count: number }[];
  /** Of the same pools, zeros too. */
  readonly queues: readonly { readonly pool: string; readonly depth: number; readonly oldestSeconds: number }[];
  readonly webhooks: { readonly due: number; readonly givenUp: number };
  /** Of those that are held by a worker and save by a budget. */
  readonly checkpointing: readonly { readonly operationId: string; readonly checkpointing: Checkpointing }[];
  readonly workers: { readonly alive: number; readonly silent: number };
}

/** What only the database knows, for the metrics endpoint. */
export async function readServiceFigures(prisma: Database, aliveWithinMs: number): Promise<ServiceFigures> {
  const [operations, queues, [webhooks], [workers], checkpointing] = await Promise.all([
    prisma.$queryRaw<ServiceFigures['operations']>(sql`
      WITH counted AS (SELECT pool, status, count(*)::int AS count FROM operations GROUP BY pool, status)
      SELECT p.pool, s.status, coalesce(c.count, 0) AS count
      FROM (SELECT pool FROM counted UNION SELECT pool FROM workers) p
        CROSS JOIN unnest(${[...OPERATION_STATUSES]}::text[]) AS s(status)
        LEFT JOIN counted c ON c.pool = p.pool AND c.status = s.status`),
    prisma.$queryRaw<ServiceFigures['queues']>(sql`
      SELECT pool, count(*)::int AS depth,
        extract(epoch FROM clock_timestamp() - min(status_since))::float8 AS "oldestSeconds"
      FROM operations WHERE status IN ${WAITING} GROUP BY pool`),
    prisma.$queryRaw<ServiceFigures['webhooks'][]>(sql`
      SELECT count(*) FILTER (WHERE delivered_at IS NULL AND given_up_at IS NULL)::int AS due,
        count(*) FILTER (WHERE given_up_at IS NOT NULL)::int AS "givenUp" FROM webhook_deliveries`),
    prisma.$queryRaw<ServiceFigures['workers'][]>(sql`
      SELECT count(*) FILTER (WHERE last_seen_at > clock_timestamp() - ${aliveWithinMs} * interval '1 millisecond')::int
          AS alive,
        count(*) FILTER (WHERE last_seen_at <= clock_timestamp() - ${aliveWithinMs} * interval '1 millisecond')::int
          AS silent
      FROM workers`),
    prisma.$queryRaw<ServiceFigures['checkpointing']>(sql`
      SELECT id AS "operationId", checkpointing FROM operations
      WHERE status IN ${LEASED} AND checkpointing IS NOT NULL`),
  ]);
  return {
    operations,
    queues: [...new Set(operations.map(({ pool }) => pool))].map(
      (pool) => queues.find((queue) => queue.pool === pool) ?? { pool, depth: 0, oldestSeconds: 0 },
    ),
    checkpointing,
    webhooks: webhooks ?? { due: 0, givenUp: 0 },
    workers: workers ?? { alive: 0, silent: 0 },
  };
}
