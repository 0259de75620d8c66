import { z } from 'zod';
import { Status } from '../fields.js';
import { DeliveryPage, WebhookCreatedView, WebhookPage } from '../http/webhook-view.js';
import { route } from './route.js';

export const create = route({
  method: 'POST',
  path: '/webhooks',
  summary:
    'Be notified of state changes; each delivery is signed (Ktrdr-Signature: t=seconds,v1=HMAC-SHA256 of "t.body")',
  body: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).max(2000),
    statuses: z.array(Status).default([]).describe('statuses to hear of; empty: all'),
    secret: z.string().min(16).max(200).optional().describe('signs each delivery; made up when not given'),
  }),
  status: 201,
  reply: WebhookCreatedView,
  problems: [422],
});

export const list = route({ method: 'GET', path: '/webhooks', summary: 'List webhooks', reply: WebhookPage });

export const remove = route({
  method: 'DELETE',
  path: '/webhooks/{id}',
  summary: 'Delete a webhook with what it is owed',
  status: 204,
  problems: [404],
});

export const deliveries = route({
  method: 'GET',
  path: '/webhooks/{id}/deliveries',
  summary: 'The last deliveries and what became of them',
  reply: DeliveryPage,
  problems: [404],
});
