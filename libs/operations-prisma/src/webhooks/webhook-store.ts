import { DomainError } from '@ktrdr/errors';
import { type OperationEvent, WEBHOOK_EVENTS, WEBHOOK_FIELDS } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { columnOf, iso } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql, raw } = Prisma;

export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  readonly statuses: readonly string[];
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
}

export interface DueDelivery {
  readonly id: bigint;
  readonly webhookId: string;
  readonly url: string;
  readonly secret: string;
  readonly payload: unknown;
  /** Tries so far, this one included. */
  readonly attempts: number;
}

export interface DeliveryRecord {
  readonly id: string;
  readonly operationId: string;
  readonly eventSeq: number;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly nextAt: Date;
  readonly deliveredAt: Date | null;
  readonly givenUpAt: Date | null;
  readonly lastError: string | null;
}

/** No webhook has this id. */
class WebhookNotFoundError extends DomainError {
  readonly code = 'webhook-not-found';
  constructor(webhookId: string) {
    super(`There is no webhook ${webhookId}`, { webhook_id: webhookId });
  }
}

const FIELDS = Object.entries(WEBHOOK_FIELDS).map(([field, property]) => {
  const column = `u.${columnOf(property)}`;
  return `'${field}', ${property === 'statusSince' ? iso(column).sql : column}`;
});

/**
 * Writes what the enabled webhooks are owed for a transition, in the transaction that makes it.
 * @param seq of the transition's event; `u` is the operation's row after it
 */
export function insertDeliveries(event: OperationEvent, seq: string): Prisma.Sql {
  const payload = raw(`jsonb_build_object('event', '${event}', 'seq', ${seq}, ${FIELDS.join(', ')})`);
  return sql`
    INSERT INTO webhook_deliveries (webhook_id, operation_id, event_seq, payload)
    SELECT w.id, u.id, ${raw(seq)}, ${payload}
    FROM u JOIN webhooks w ON w.disabled_at IS NULL AND (w.statuses = '{}' OR u.status = ANY(w.statuses))
    WHERE ${raw(`${WEBHOOK_EVENTS.includes(event)}`)}`;
}

/** Webhooks, and what they are owed. Deliveries are written by the transitions themselves. */
export class WebhookStore {
  constructor(private readonly prisma: Database) {}

  async add(webhook: {
    readonly id: string;
    readonly url: string;
    readonly secret: string;
    readonly statuses: readonly string[];
    readonly createdBy: string;
  }): Promise<WebhookRecord> {
    return this.prisma.webhook.create({ data: { ...webhook, statuses: [...webhook.statuses] } });
  }

  async list(): Promise<readonly WebhookRecord[]> {
    return this.prisma.webhook.findMany({ orderBy: { createdAt: 'asc' } });
  }

  /** @throws {WebhookNotFoundError} */
  async remove(id: string): Promise<void> {
    const { count } = await this.prisma.webhook.deleteMany({ where: { id } });
    if (count === 0) throw new WebhookNotFoundError(id);
  }

  /** The newest first. @throws {WebhookNotFoundError} */
  async deliveries(webhookId: string, limit: number): Promise<readonly DeliveryRecord[]> {
    const webhook = await this.prisma.webhook.findUnique({ where: { id: webhookId } });
    if (!webhook) throw new WebhookNotFoundError(webhookId);
    const rows = await this.prisma.webhookDelivery.findMany({
      where: { webhookId },
      orderBy: { id: 'desc' },
      take: limit,
    });
    return rows.map(({ id, ...row }) => ({ ...row, id: String(id) }));
  }

  /** Takes what is due for `holdMs`: another replica tries it again when this one dies in between. */
  async takeDue(limit: number, holdMs: number): Promise<readonly DueDelivery[]> {
    return this.prisma.$queryRaw<DueDelivery[]>(sql`
      WITH due AS (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.next_at <= clock_timestamp()
        ORDER BY d.id LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE webhook_deliveries d SET attempts = d.attempts + 1,
        next_at = clock_timestamp() + ${holdMs} * interval '1 millisecond'
      FROM due, webhooks w WHERE d.id = due.id AND w.id = d.webhook_id
      RETURNING d.id, d.webhook_id AS "webhookId", w.url, w.secret, d.payload, d.attempts`);
  }

  async delivered(id: bigint): Promise<void> {
    await this.prisma.$executeRaw(sql`
      UPDATE webhook_deliveries SET delivered_at = clock_timestamp(), last_error = NULL WHERE id = ${id}`);
  }

  /** @param againInMs null: it is given up */
  async failed(id: bigint, reason: string, againInMs: number | null): Promise<void> {
    const next =
      againInMs === null
        ? sql`given_up_at = clock_timestamp()`
        : sql`next_at = clock_timestamp() + ${againInMs} * interval '1 millisecond'`;
    await this.prisma.$executeRaw(sql`
      UPDATE webhook_deliveries SET last_error = ${reason.slice(0, 500)}, ${next} WHERE id = ${id}`);
  }

  /** Forgets what was delivered or given up longer ago than this. */
  async forgetSettled(olderThanMs: number): Promise<void> {
    await this.prisma.$executeRaw(sql`
      DELETE FROM webhook_deliveries
      WHERE coalesce(delivered_at, given_up_at) < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`);
  }
}
