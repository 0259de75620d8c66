import { Controller, Inject } from '@nestjs/common';
import {
  type DeliveryPage,
  ROUTES,
  type WebhookCreatedView,
  type WebhookPage,
  type WebhookView,
} from '@ktrdr/contracts';
import { type WebhookRecord, WebhookStore } from '@ktrdr/operations-prisma';
import { randomBytes } from 'node:crypto';
import { type Asked, Serves } from '../http/serves.js';

const routes = ROUTES.webhooks;
const DELIVERIES_SHOWN = 100;

@Controller()
export class WebhooksController {
  constructor(@Inject(WebhookStore) private readonly webhooks: WebhookStore) {}

  /** The secret is shown this once. */
  @Serves(routes.create)
  async create({ body, actor }: Asked<typeof routes.create>): Promise<WebhookCreatedView> {
    const { url, statuses, secret } = body;
    const key = secret ?? randomBytes(32).toString('hex');
    const id = `wh_${randomBytes(8).toString('hex')}`;
    const webhook = await this.webhooks.add({ id, url, statuses, secret: key, createdBy: actor });
    return { ...toView(webhook), secret: key };
  }

  @Serves(routes.list)
  async list(): Promise<WebhookPage> {
    return { items: (await this.webhooks.list()).map(toView) };
  }

  @Serves(routes.remove)
  delete({ id }: Asked<typeof routes.remove>): Promise<void> {
    return this.webhooks.remove(id);
  }

  @Serves(routes.deliveries)
  async deliveries({ id }: Asked<typeof routes.deliveries>): Promise<DeliveryPage> {
    const deliveries = await this.webhooks.deliveries(id, DELIVERIES_SHOWN);
    return {
      items: deliveries.map((delivery) => ({
        delivery_id: delivery.id,
        operation_id: delivery.operationId,
        seq: delivery.eventSeq,
        attempts: delivery.attempts,
        created_at: delivery.createdAt.toISOString(),
        next_at: delivery.deliveredAt || delivery.givenUpAt ? null : delivery.nextAt.toISOString(),
        delivered_at: delivery.deliveredAt?.toISOString() ?? null,
        given_up_at: delivery.givenUpAt?.toISOString() ?? null,
        last_error: delivery.lastError,
      })),
    };
  }
}

function toView({ id, url, statuses, createdAt }: WebhookRecord): WebhookView {
  return {
    webhook_id: id,
    url,
    statuses: [...statuses] as WebhookView['statuses'], // checked when it was made
    created_at: createdAt.toISOString(),
  };
}
