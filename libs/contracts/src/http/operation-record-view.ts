import { CLIENT_ACTIONS } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Instant, Position, Status } from '../fields.js';
import { CheckpointSummary } from './operation-view.js';
import { Metrics } from '../worker/trainer-protocol.js';
import { FileEntry } from '../worker/worker-rpc.js';

const HistoryEntry = z.object({
  n: z.int(),
  event: z.string(),
  from: Status.nullable(),
  to: Status,
  actor: z.string(),
  reason: z.string().nullable(),
  attempt: z.int(),
  at: Instant,
  details: z.record(z.string(), z.unknown()),
});
export const HistoryPage = z.object({ items: z.array(HistoryEntry) });
export type HistoryPage = z.infer<typeof HistoryPage>;
export const EventView = z.object({
  operation_id: z.string(),
  seq: z.int().describe('1, 2, 3 … within the operation, without a gap'),
  type: z.string(),
  attempt: z.int(),
  at: Instant,
  data: z.record(z.string(), z.unknown()),
});
export type EventView = z.infer<typeof EventView>;
export const EventPage = z.object({ items: z.array(EventView), next_after: z.int() });
export type EventPage = z.infer<typeof EventPage>;
const MetricPoint = z.object({ ...Position, attempt: z.int(), at: Instant, values: Metrics });
export const MetricsPage = z.object({
  items: z.array(MetricPoint).describe('one a step; what a resume made obsolete is left out'),
  resumed_at_steps: z.array(z.int()),
});
export type MetricsPage = z.infer<typeof MetricsPage>;
export const ExplainView = z.object({
  operation_id: z.string(),
  status: Status,
  summary: z.string(),
  reasons: z.array(z.string()),
  next: z.string(),
  allowed_actions: z.array(z.enum(CLIENT_ACTIONS)),
});
export type ExplainView = z.infer<typeof ExplainView>;
export const ResultView = z.object({
  operation_id: z.string(),
  result: z.record(z.string(), z.unknown()),
  checkpoint: CheckpointSummary.nullable(),
  files: z.array(FileEntry),
});
export type ResultView = z.infer<typeof ResultView>;
