import type { DueDelivery, WebhookStore } from '@ktrdr/operations-prisma';
import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';

const AT_ONCE = 16;
const ANSWER_WITHIN_MS = 10_000;
const HOLD_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 3_600_000;
/** About a day of tries. */
const GIVE_UP_AFTER = 32;

/** `t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>` under the webhook's secret. */
function signatureOf(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** How long to wait after the nth failed try: doubling, from a second to an hour. */
function retryAfterMs(attempts: number): number | null {
  if (attempts >= GIVE_UP_AFTER) return null;
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
}

/** Tells webhooks what happened, at least once, until they answer 2xx. */
export class WebhookSender {
  constructor(
    private readonly store: WebhookStore,
    private readonly log: Logger,
  ) {}

  async turn(): Promise<void> {
    for (;;) {
      const due = await this.store.takeDue(AT_ONCE, HOLD_MS);
      await Promise.all(due.map((delivery) => this.send(delivery)));
      if (due.length < AT_ONCE) return;
    }
  }

  private async send({ id, webhookId, url, secret, payload, attempts }: DueDelivery): Promise<void> {
    const body = JSON.stringify(payload);
    try {
      const reply = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        headers: {
          'Content-Type': 'application/json',
          'User-Agent': 'ktrdr-webhook',
          'Ktrdr-Delivery': String(id),
          'Ktrdr-Signature': signatureOf(secret, body, Math.floor(Date.now() / 1000)),
        },
        body,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      await reply.body?.cancel();
      if (!reply.ok) throw new Error(`it answered ${reply.status}`);
      await this.store.delivered(id);
    } catch (error) {
      const reason = reasonOf(error);
      const againInMs = retryAfterMs(attempts);
      this.log[againInMs === null ? 'warn' : 'info'](
        { webhookId, deliveryId: String(id), attempts, reason, againInMs },
        'webhook not delivered',
      );
      await this.store.failed(id, reason, againInMs);
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
