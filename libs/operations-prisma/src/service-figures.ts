import type { Checkpointing } from '@ktrdr/operations';
import { type Database, reach } from './database.js';
import { Prisma } from './generated/prisma/client.js';
import { LEASED, WAITING } from './status-lists.js';

const { sql } = Prisma;

export interface ServiceFigures {
  readonly operations: readonly { readonly status: string; readonly count: number }[];
  readonly queues: readonly { readonly pool: string; readonly depth: number; readonly oldestSeconds: number }[];
  readonly webhooks: { readonly due: number; readonly givenUp: number };
  /** Of those that are held by a worker and save by a budget. */
  readonly checkpointing: readonly { readonly operationId: string; readonly checkpointing: Checkpointing }[];
  readonly workers: { readonly alive: number; readonly silent: number };
}

/** What only the database knows, for the metrics endpoint. */
export async function readServiceFigures(prisma: Database, aliveWithinMs: number): Promise<ServiceFigures> {
  const [operations, queues, [webhooks], [workers], checkpointing] = await reach(() =>
    Promise.all([
      prisma.$queryRaw<ServiceFigures['operations']>(sql`
        SELECT status, count(*)::int AS count FROM operations GROUP BY status`),
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
    ]),
  );
  return {
    operations,
    queues,
    checkpointing,
    webhooks: webhooks ?? { due: 0, givenUp: 0 },
    workers: workers ?? { alive: 0, silent: 0 },
  };
}
