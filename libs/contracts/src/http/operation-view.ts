import { z } from 'zod';
import { ACTIONS, CLIENT_ACTIONS, PAUSE_CAUSES, STALL_POLICIES } from '@ktrdr/operations/model';
import { ResumeOverrides } from '@ktrdr/specs';
import { Instant, Position, Status } from '../fields.js';
import { CheckpointingFigures, ResourceSnapshot } from '../worker/measurements.js';
import { Boundary, CheckpointKind, Metrics } from '../worker/trainer-protocol.js';

const ErrorView = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export const CheckpointSummary = z.object({
  checkpoint_id: z.string(),
  checkpoint_type: CheckpointKind,
  created_at: Instant,
  corrupted_at: Instant.nullable().describe('when it was last found damaged; null: it is not known to be'),
  ...Position,
});
const ProgressView = z.object({
  fraction: z.number().min(0).max(1),
  epoch: z.int(),
  epochs: z.int(),
  step: z.int(),
  steps: z.int(),
  examples_per_second: z.number().nullable(),
  eta_seconds: z.number().nullable(),
});
/** The figures of a budget over all attempts, with what came of it. */
export const CheckpointingView = z.object({
  ...CheckpointingFigures,
  overhead_fraction: z.number().describe('of the time, over all attempts: what the budget bounds'),
  longest_unprotected_seconds: z
    .number()
    .describe('the most work that was unsaved at a moment: what max_loss_seconds bounds'),
  is_budget_kept: z.boolean(),
  is_max_loss_kept: z.boolean(),
});
export type CheckpointingView = z.infer<typeof CheckpointingView>;
const RemainingTime = z.object({
  seconds: z.number(),
  method: z.string().describe('how it was reckoned'),
});
const PauseRecordView = z.object({
  ...Position,
  paused_at: Instant,
  checkpoint_id: z.string(),
  corrupted_at: Instant.nullable().describe('when that checkpoint was last found damaged'),
  remaining: RemainingTime.nullable(),
  snapshot: ResourceSnapshot.nullable().describe('the machine as its worker measured it; null: not measured'),
});
const PastPause = z.object({
  ...Position,
  paused_at: Instant,
  actor: z.string().describe('who asked for it'),
  reason: z.string().nullable(),
  cause: z.string().nullable(),
});
const Suggestion = z.object({
  overrides: ResumeOverrides,
  why: z.string(),
  command: z.string(),
});
export const NoFittingWorker = z
  .string()
  .nullable()
  .describe('why no live worker can take it, where it waits for one; null: one can, or nothing is waited for');
const ActionState = z.object({
  action: z.enum(ACTIONS),
  allowed: z.boolean(),
  code: z.string().nullable().describe('of the refusal; null: it is allowed'),
  reason: z.string().nullable(),
});
export const SpecChangeView = z.object({ path: z.string(), from: z.unknown(), to: z.unknown() });
const ForkedFromView = z.object({
  operation_id: z.string(),
  checkpoint_id: z.string().describe('of the original; the fork has its own, of the same bytes'),
  ...Position,
  changes: z.array(SpecChangeView),
});
const ForkSummary = z.object({
  operation_id: z.string(),
  name: z.string(),
  status: Status,
  checkpoint_id: z.string(),
  ...Position,
  created_at: Instant,
});
export const OperationView = z.object({
  operation_id: z.string(),
  type: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  status: Status,
  version: z.int(),
  attempt: z.int(),
  pool: z.string(),
  priority: z.int(),
  queue_position: z.int().nullable(),
  no_fitting_worker: NoFittingWorker.optional().describe('as of a resume; only in the reply about one operation'),
  allowed_actions: z.array(z.enum(CLIENT_ACTIONS)),
  actions: z.array(ActionState).optional().describe('every action; only in the reply about one operation'),
  progress: ProgressView.nullable(),
  metrics: Metrics.nullable().describe('latest figures'),
  best: z.object({ ...Position, metric: z.string(), value: z.union([z.number(), z.string()]) }).nullable(),
  latest_checkpoint: CheckpointSummary.nullable(),
  checkpointing: CheckpointingView.nullable().describe('how often it saves by its budget; null: it has none'),
  resumed_from: CheckpointSummary.nullable(),
  pause: z
    .object({
      boundary: Boundary,
      cause: z.enum(PAUSE_CAUSES),
      reason: z.string().nullable(),
      requested_by: z.string(),
      requested_at: Instant,
    })
    .nullable()
    .describe('the pause that is asked for or in force'),
  paused: PauseRecordView.nullable().describe('the pause in force, as it was carried out'),
  pauses: z.array(PastPause).describe('every pause so far, oldest first'),
  cancel: z
    .object({ reason: z.string().nullable(), save: z.boolean(), requested_by: z.string(), requested_at: Instant })
    .nullable(),
  worker_id: z.string().nullable(),
  lease_expires_at: Instant.nullable(),
  backend: z.string().nullable(),
  error: ErrorView.nullable(),
  warnings: z.array(z.object({ code: z.string(), message: z.string(), at: Instant })),
  recoveries: z.int(),
  max_recoveries: z.int(),
  spec: z.unknown().describe('as it was submitted'),
  spec_sha256: z.string(),
  overrides: z.record(z.string(), z.unknown()).nullable().describe('what resumes changed of it'),
  parent_id: z.string().nullable(),
  origin: z
    .object({
      kind: z.enum(['retry', 'fork', 'import']),
      operation_id: z.string(),
      checkpoint_id: z.string().nullable(),
    })
    .nullable(),
  forked_from: ForkedFromView.nullable().describe('what it continues, when it is a fork'),
  forks: z.array(ForkSummary).describe('the newest that were made from it'),
  is_forkable: z.boolean().describe('it has a checkpoint that a fork could begin at'),
  children: z.object({ total: z.int(), by_status: z.record(z.string(), z.int()), fraction: z.number() }).nullable(),
  watchdog: z.object({ seconds: z.number(), on_stall: z.enum(STALL_POLICIES) }).nullable(),
  stuck_since: Instant.nullable(),
  suggestions: z.array(Suggestion).describe('what might help after a failure'),
  remaining: RemainingTime.nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  created_at: Instant,
  started_at: Instant.nullable(),
  finished_at: Instant.nullable(),
  queued_seconds: z.number(),
  active_seconds: z.number(),
  paused_seconds: z.number(),
});
export type OperationView = z.infer<typeof OperationView>;
export const OperationPage = z.object({
  items: z.array(OperationView),
  next_cursor: z.string().nullable(),
  total: z.int().describe('operations that match the filters'),
  active: z.int().describe('operations anywhere that are neither settled nor paused'),
  by_status: z.record(z.string(), z.int()),
});
export type OperationPage = z.infer<typeof OperationPage>;
