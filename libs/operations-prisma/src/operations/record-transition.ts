import { LEASED_STATUSES, type OperationEvent, WAITING_STATUSES } from '@ktrdr/operations';
import { insertEvent, listOf } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { insertDeliveries } from '../webhooks/webhook-store.js';

const { sql, raw } = Prisma;

/** Milliseconds since the status of row `o` began, never negative. */
export const SPENT_MS = raw(
  `greatest(0, floor(extract(epoch FROM clock_timestamp() - o.status_since) * 1000))::bigint AS ms`,
);

/** Adds the `ms` of the locked row `old` to the clock of the status that ends, and starts the next one. */
export const CLOCKS = sql`
  queued_ms = o.queued_ms + CASE WHEN o.status IN ${listOf(WAITING_STATUSES)} THEN old.ms ELSE 0 END,
  active_ms = o.active_ms + CASE WHEN o.status IN ${listOf(LEASED_STATUSES)} THEN old.ms ELSE 0 END,
  paused_ms = o.paused_ms + CASE WHEN o.status = 'paused' THEN old.ms ELSE 0 END,
  status_since = clock_timestamp()`;

/**
 * What each transition leaves behind, as further parts of the statement that makes it: its row in the history, its event,
 * and what the webhooks are owed. `u` is the operation's row after it.
 */
export function recordTransition(
  event: OperationEvent,
  {
    from = raw('NULL::text'),
    actor,
    reason = raw('NULL::text'),
    details = raw(`'{}'::jsonb`),
    seq = 'u.event_seq',
  }: {
    readonly from?: Prisma.Sql;
    readonly actor: Prisma.Sql;
    readonly reason?: Prisma.Sql;
    readonly details?: Prisma.Sql;
    /** Of its event. */
    readonly seq?: string;
  },
): Prisma.Sql {
  const name = raw(`'${event}'`);
  const data = sql`${details} || jsonb_build_object('event', ${name}, 'from', ${from}, 'to', u.status,
        'actor', ${actor}, 'reason', ${reason}, 'version', u.version)`;
  return sql`history AS (
      INSERT INTO operation_history (operation_id, n, event, from_status, to_status, actor, reason, attempt, at, details)
      SELECT u.id, u.version, ${name}, ${from}, u.status, ${actor}, ${reason}, u.attempt, u.status_since, ${details} FROM u
    ), event AS (${insertEvent('status', data, { seq, at: 'u.status_since' })}
    ), deliveries AS (${insertDeliveries(event, seq)}
    )`;
}
