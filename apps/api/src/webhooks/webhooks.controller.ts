import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import {
  type DeliveryPage,
  WebhookBody,
  type WebhookCreatedView,
  type WebhookPage,
  type WebhookView,
} from '@ktrdr/contracts';
import { type WebhookRecord, WebhookStore } from '@ktrdr/operations-prisma';
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { zod } from '../http/zod.pipe.js';

const DELIVERIES_SHOWN = 100;

@Controller('webhooks')
export class WebhooksController {
  constructor(@Inject(WebhookStore) private readonly webhooks: WebhookStore) {}

  /** The secret is shown this once. */
  @Post()
  @HttpCode(201)
  async create(
    @Req() request: AuthenticatedRequest,
    @Body(zod(WebhookBody)) { url, statuses, secret }: z.output<typeof WebhookBody>,
  ): Promise<WebhookCreatedView> {
    const key = secret ?? randomBytes(32).toString('hex');
    const id = `wh_${randomBytes(8).toString('hex')}`;
    const webhook = await this.webhooks.add({ id, url, statuses, secret: key, createdBy: actorOf(request) });
    return { ...toView(webhook), secret: key };
  }

  @Get()
  async list(): Promise<WebhookPage> {
    return { items: (await this.webhooks.list()).map(toView) };
  }

  @Delete(':id')
  @HttpCode(204)
  delete(@Param('id') id: string): Promise<void> {
    return this.webhooks.remove(id);
  }

  @Get(':id/deliveries')
  async deliveries(@Param('id') id: string): Promise<DeliveryPage> {
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
