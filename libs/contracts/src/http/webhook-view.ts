import { z } from 'zod';
import { Instant, Status } from '../fields.js';

export const WebhookView = z.object({
  webhook_id: z.string(),
  url: z.string(),
  statuses: z.array(Status),
  created_at: Instant,
});
export type WebhookView = z.infer<typeof WebhookView>;
export const WebhookCreatedView = WebhookView.extend({ secret: z.string().describe('shown this once') });
export type WebhookCreatedView = z.infer<typeof WebhookCreatedView>;
export const WebhookPage = z.object({ items: z.array(WebhookView) });
export type WebhookPage = z.infer<typeof WebhookPage>;

export const DeliveryPage = z.object({
  items: z.array(
    z.object({
      delivery_id: z.string(),
      operation_id: z.string(),
      seq: z.int(),
      attempts: z.int(),
      created_at: Instant,
      next_at: Instant.nullable(),
      delivered_at: Instant.nullable(),
      given_up_at: Instant.nullable(),
      last_error: z.string().nullable(),
    }),
  ),
});
export type DeliveryPage = z.infer<typeof DeliveryPage>;
