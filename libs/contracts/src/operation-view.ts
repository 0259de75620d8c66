import { z } from 'zod';
import { CLIENT_ACTIONS, OPERATION_STATUSES, OPERATION_TYPES, PAUSE_CAUSES, STALL_POLICIES } from '@ktrdr/operations';
import { Boundary, CheckpointKind, Metrics } from './trainer-protocol.js';
import { ResumeOverrides } from './spec-overrides.js';
import { FileEntry, ResourceSnapshot } from './worker-rpc.js';

const Instant = z.iso.datetime();
const Position = { step: z.int(), epoch: z.int() };

export const Status = z.enum(OPERATION_STATUSES);

export const OperationId = z
  .string()
  .regex(/^op_[a-z_]{1,32}_\d{8}_\d{6}_[a-z0-9]{6,12}$/, 'is not an operation id (op_<type>_<date>_<time>_<random>)');

export const ErrorView = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});

export const CheckpointSummary = z.object({
  checkpoint_id: z.string(),
  checkpoint_type: CheckpointKind,
  created_at: Instant,
  ...Position,
});

export const ProgressView = z.object({
  fraction: z.number().min(0).max(1),
  epoch: z.int(),
  epochs: z.int(),
  step: z.int(),
  steps: z.int(),
  examples_per_second: z.number().nullable(),
  eta_seconds: z.number().nullable(),
});

export const RemainingTime = z.object({
  seconds: z.number(),
  method: z.string().describe('how it was reckoned'),
});

export const PauseRecordView = z.object({
  ...Position,
  paused_at: Instant,
  checkpoint_id: z.string(),
  remaining: RemainingTime.nullable(),
  snapshot: ResourceSnapshot.nullable().describe('the machine as its worker measured it; null: not measured'),
});

export const PastPause = z.object({
  ...Position,
  paused_at: Instant,
  actor: z.string(),
  reason: z.string().nullable(),
  cause: z.string().nullable(),
});

export const Suggestion = z.object({
  overrides: ResumeOverrides,
  why: z.string(),
  command: z.string(),
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
  allowed_actions: z.array(z.enum(CLIENT_ACTIONS)),
  progress: ProgressView.nullable(),
  metrics: Metrics.nullable().describe('latest figures'),
  best: z.object({ ...Position, metric: z.string(), value: z.union([z.number(), z.string()]) }).nullable(),
  latest_checkpoint: CheckpointSummary.nullable(),
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
    .object({ kind: z.enum(['retry', 'fork']), operation_id: z.string(), checkpoint_id: z.string().nullable() })
    .nullable(),
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

/** `spec` is checked against the schema of its `type`. */
export const SubmitBody = z.strictObject({
  type: z.enum(OPERATION_TYPES).default('training'),
  parent_id: OperationId.nullable().default(null),
  watchdog: z
    .strictObject({
      seconds: z.number().min(0.5).max(604_800),
      on_stall: z.enum(STALL_POLICIES).default('warn'),
    })
    .nullable()
    .default({ seconds: 600, on_stall: 'warn' })
    .describe('how long it may make no step, and what happens then'),
  name: z.string().min(1).max(200).optional(),
  labels: z.record(z.string().max(63), z.string().max(255)).default({}),
  pool: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('default'),
  priority: z.int().min(-100).max(100).default(0),
  max_recoveries: z.int().min(0).max(1000).default(10),
  spec: z.unknown(),
});
export type SubmitBody = z.input<typeof SubmitBody>;

export const PauseBody = z.strictObject({
  boundary: Boundary.default('step'),
  cause: z.enum(PAUSE_CAUSES).default('manual'),
  reason: z.string().max(500).nullable().default(null),
  timeout_seconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .nullable()
    .default(null)
    .describe("without a checkpoint by then it goes on running; null: the service's own limit"),
});
export const CancelBody = z.strictObject({
  reason: z.string().max(500).nullable().default(null),
  save: z.boolean().default(true).describe('false: discard the work since the last checkpoint'),
});
export const ResumeBody = z.strictObject({
  checkpoint: z.string().max(200).default('latest').describe('latest, best, or a checkpoint id'),
  allow_fallback: z.boolean().default(false),
  overrides: ResumeOverrides.default({}),
  dry_run: z.boolean().default(false),
});

export const PriorityBody = z.strictObject({
  priority: z.union([z.int().min(-100).max(1_000_000), z.literal('front')]),
});
export type PriorityBody = z.input<typeof PriorityBody>;

export const DrainBody = z.strictObject({ draining: z.boolean().default(true) });
export type DrainBody = z.input<typeof DrainBody>;

/** Which operations a bulk action is for. At least one condition, so that nothing is meant by accident. */
export const BulkFilter = z
  .strictObject({
    operation_ids: z.array(OperationId).min(1).max(1000).optional(),
    status: z.array(Status).min(1).optional(),
    type: z.enum(OPERATION_TYPES).optional(),
    text: z.string().min(1).max(200).optional(),
    parent_id: OperationId.optional(),
    labels: z.record(z.string(), z.string()).optional(),
  })
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), 'give at least one condition');
const Bulk = { filter: BulkFilter, dry_run: z.boolean().default(false) };
export const BulkResumeBody = z.strictObject({
  ...Bulk,
  checkpoint: z.enum(['latest', 'best']).default('latest'),
  allow_fallback: z.boolean().default(false),
});
export const BulkPauseBody = z.strictObject({ ...Bulk, ...PauseBody.shape });
export const BulkCancelBody = z.strictObject({ ...Bulk, ...CancelBody.shape });
export type BulkResumeBody = z.input<typeof BulkResumeBody>;
export type BulkPauseBody = z.input<typeof BulkPauseBody>;
export type BulkCancelBody = z.input<typeof BulkCancelBody>;
export const BulkView = z.object({
  dry_run: z.boolean(),
  matched: z.int(),
  done: z.int().describe('done, or in a dry run: would be done'),
  items: z.array(
    z.object({
      operation_id: z.string(),
      name: z.string(),
      status: Status,
      outcome: z.enum(['done', 'would-be-done', 'refused']),
      code: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
});
export type BulkView = z.infer<typeof BulkView>;
export type PauseBody = z.input<typeof PauseBody>;
export type CancelBody = z.input<typeof CancelBody>;
export type ResumeBody = z.input<typeof ResumeBody>;

export const ActionView = z.object({
  operation_id: z.string(),
  status: Status,
  message: z.string(),
  allowed_actions: z.array(z.enum(CLIENT_ACTIONS)),
});
export type ActionView = z.infer<typeof ActionView>;

export const ResumedView = z.object({
  operation_id: z.string(),
  status: Status,
  queue_position: z.int().nullable(),
  resumed_from: CheckpointSummary.nullable(),
  lost_steps: z.int().describe('steps trained before that this checkpoint does not hold'),
  fell_back_from: z.string().nullable(),
  changes: z
    .array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() }))
    .describe('what the overrides change'),
  dry_run: z.boolean(),
});
export type ResumedView = z.infer<typeof ResumedView>;

export const ListQuery = z.strictObject({
  status: z
    .string()
    .optional()
    .describe('comma-separated statuses')
    .transform((value) => value?.split(',').filter(Boolean))
    .pipe(z.array(Status).optional()),
  type: z.string().max(63).optional(),
  parent_id: OperationId.optional(),
  label: z
    .string()
    .max(400)
    .optional()
    .describe('key=value, several comma-separated')
    .transform((value) => value && Object.fromEntries(value.split(',').map((pair) => pair.split('=', 2))))
    .pipe(z.record(z.string().min(1), z.string()).optional()),
  text: z.string().max(200).optional().describe('part of the name or id'),
  created_after: Instant.optional(),
  created_before: Instant.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
});

export const OperationPage = z.object({
  items: z.array(OperationView),
  next_cursor: z.string().nullable(),
  total: z.int().describe('operations that match the filters'),
  active: z.int().describe('operations anywhere that are neither settled nor paused'),
  by_status: z.record(z.string(), z.int()),
});
export type OperationPage = z.infer<typeof OperationPage>;

export const HistoryEntry = z.object({
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

export const OperationEventsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('sequence number behind which to begin'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export type OperationEventsQuery = z.output<typeof OperationEventsQuery>;

export const EventStreamQuery = z.strictObject({
  operation_id: OperationId.optional().describe('only this operation; without it, all of them'),
});
export type EventStreamQuery = z.output<typeof EventStreamQuery>;

export const DeleteCheckpointQuery = z.strictObject({
  force: z.stringbool().default(false).describe('delete it although it is the last one that can be resumed from'),
});
export type DeleteCheckpointQuery = z.output<typeof DeleteCheckpointQuery>;

export const VerifyBody = z.strictObject({
  depth: z.enum(['quick', 'deep']).default('deep').describe('quick: sizes, and the bytes of small files'),
});
export type VerifyBody = z.input<typeof VerifyBody>;

export const MetricPoint = z.object({ ...Position, attempt: z.int(), at: Instant, values: Metrics });
export const MetricsPage = z.object({
  items: z.array(MetricPoint).describe('one a step; what a resume made obsolete is left out'),
  resumed_at_steps: z.array(z.int()),
});
export type MetricsPage = z.infer<typeof MetricsPage>;

export const CheckpointView = CheckpointSummary.extend({
  operation_id: z.string(),
  attempt: z.int(),
  seq: z.int(),
  bytes: z.int(),
  files: z.array(FileEntry),
  metrics: Metrics,
  is_latest: z.boolean(),
  is_best: z.boolean(),
  pinned: z.boolean(),
  corrupted_at: Instant.nullable(),
  parent_id: z.string().nullable(),
  manifest_key: z.string(),
  manifest_sha256: z.string(),
  stall_ms: z.number().nullable(),
  save_ms: z.number().nullable(),
  uploaded_bytes: z.int().nullable(),
  resume_hint: z.string().describe('the command that resumes from it'),
});
export type CheckpointView = z.infer<typeof CheckpointView>;
export const CheckpointPage = z.object({ items: z.array(CheckpointView) });
export type CheckpointPage = z.infer<typeof CheckpointPage>;

export const VerifyView = z.object({
  checkpoint_id: z.string(),
  valid: z.boolean(),
  files_checked: z.int(),
  bytes_hashed: z.int(),
  bad_files: z.array(z.object({ name: z.string(), problem: z.string(), detail: z.string() })),
});
export type VerifyView = z.infer<typeof VerifyView>;

export const CheckpointStats = z.object({
  count: z.int(),
  logical_bytes: z.int(),
  stored_bytes: z.int().describe('each blob once'),
  oldest_at: Instant.nullable(),
  operations: z.array(z.object({ operation_id: z.string(), count: z.int(), bytes: z.int() })),
});
export type CheckpointStats = z.infer<typeof CheckpointStats>;

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

export const WorkerView = z.object({
  worker_id: z.string(),
  pool: z.string(),
  status: z.enum(['available', 'busy', 'draining', 'unreachable', 'removed']),
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  slots: z.int(),
  free_slots: z.int(),
  capabilities: z.array(z.string()),
  operations: z.array(z.string()),
  registered_at: Instant,
  last_seen_at: Instant,
});
export type WorkerView = z.infer<typeof WorkerView>;
export const WorkerPage = z.object({ items: z.array(WorkerView) });
export type WorkerPage = z.infer<typeof WorkerPage>;

/** Any failure (RFC 9457), with the error's own fields beside the standard ones. */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  instance: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;
