import { z } from 'zod';
import { EventPage, ExplainView, HistoryPage, MetricsPage, ResultView } from '../http/operation-record-view.js';
import { route } from './route.js';

export const history = route({
  method: 'GET',
  path: '/operations/{id}/history',
  summary: 'Every transition: from, to, actor, reason, attempt',
  reply: HistoryPage,
  problems: [404],
});

export const events = route({
  method: 'GET',
  path: '/operations/{id}/events',
  summary: 'Stored events behind a sequence number',
  query: z.strictObject({
    after: z.coerce.number<number>().int().min(0).default(0).describe('sequence number behind which to begin'),
    limit: z.coerce.number<number>().int().min(1).max(1000).default(200),
  }),
  reply: EventPage,
  problems: [404, 422],
});

export const metrics = route({
  method: 'GET',
  path: '/operations/{id}/metrics',
  summary: 'Metric points keyed by step; what a resume made obsolete is left out',
  reply: MetricsPage,
  problems: [404],
});

export const explain = route({
  method: 'GET',
  path: '/operations/{id}/explain',
  summary: 'Why it is where it is, and what happens next',
  reply: ExplainView,
  problems: [404],
});

export const result = route({
  method: 'GET',
  path: '/operations/{id}/result',
  summary: 'The result of a completed operation, with its files',
  reply: ResultView,
  problems: [404, 409],
});

export const resultFile = route({
  method: 'GET',
  path: '/operations/{id}/result/files/{name}',
  summary: 'One file of the result; its SHA-256 is in the result',
  contentType: 'application/octet-stream',
  problems: [404, 409],
});
