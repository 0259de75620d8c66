import {
  CLIENT_ACTIONS,
  isCheckpointChoice,
  OPERATION_TYPES,
  PAUSE_CAUSES,
  STALL_POLICIES,
  stepOf,
} from '@ktrdr/operations';
import { ResumeOverrides } from '@ktrdr/specs';
import { z } from 'zod';
import { DriftView, Guarantee } from './continuation-view.js';
import { CheckpointSummary, NoFittingWorker, OperationId, SpecChangeView, Status } from './operation-view.js';
import { PoolName } from './pool-name.js';
import { Boundary } from './trainer-protocol.js';

const Instant = z.iso.datetime();

export const Labels = z.record(z.string().max(63), z.string().max(255));
export const OperationName = z.string().min(1).max(200);
export const MaxRecoveries = z.int().min(0).max(1000);
const AllowBackendChange = z
  .boolean()
  .default(false)
  .describe('go on although another backend gives other numbers, close to those of the present one');

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
  name: OperationName.optional(),
  labels: Labels.default({}),
  pool: PoolName.default('default'),
  priority: z.int().min(-100).max(100).default(0),
  max_recoveries: MaxRecoveries.default(10),
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
const NO_STEP = 'takes a whole number behind "step:", such as step:1200';
const CheckpointChoice = z
  .string()
  .min(1)
  .max(200)
  .refine(isCheckpointChoice, NO_STEP)
  .default('latest')
  .describe(
    'latest, best (saved at a best epoch; where none was, the one with the lowest val_loss, or loss), step:1200 (the newest sound one of exactly that step), or a checkpoint id',
  );
export const ResumeBody = z
  .strictObject({
    checkpoint: CheckpointChoice,
    allow_fallback: z.boolean().default(false),
    allow_backend_change: AllowBackendChange,
    overrides: ResumeOverrides.default({}),
    dry_run: z.boolean().default(false),
    deep: z
      .boolean()
      .default(false)
      .describe(
        'with dry_run: hash every byte of the checkpoint, as the worker does when it restores it, and of each that it ' +
          'falls back through; without it, the contents of files above 256 KiB are not read',
      ),
  })
  .refine(({ deep, dry_run }) => dry_run || !deep, { message: 'goes only with dry_run', path: ['deep'] });
export const ForkBody = z.strictObject({
  checkpoint: CheckpointChoice,
  allow_fallback: z.boolean().default(false),
  allow_backend_change: AllowBackendChange,
  overrides: ResumeOverrides.default({}),
  name: OperationName.optional(),
  labels: Labels.optional().describe('in place of the labels of the original'),
  priority: z.int().min(-100).max(100).optional(),
  dry_run: z.boolean().default(false),
});
export type ForkBody = z.input<typeof ForkBody>;
export const PriorityBody = z.strictObject({
  priority: z.union([z.int().min(-100).max(1_000_000), z.literal('front')]),
});
export type PriorityBody = z.input<typeof PriorityBody>;
/** Which operations a bulk action is for. At least one condition, so that nothing is meant by accident. */
const BulkFilter = z
  .strictObject({
    operation_ids: z.array(OperationId).min(1).max(1000).optional(),
    status: z.array(Status).min(1).optional(),
    type: z.enum(OPERATION_TYPES).optional(),
    text: z.string().min(1).max(200).optional(),
    parent_id: OperationId.optional(),
    labels: z.record(z.string(), z.string()).optional(),
  })
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), 'give at least one condition');
function isChoiceForMany(choice: string): boolean {
  return choice === 'latest' || choice === 'best' || stepOf(choice) !== null;
}
const Bulk = { filter: BulkFilter, dry_run: z.boolean().default(false) };
export const BulkResumeBody = z.strictObject({
  ...Bulk,
  checkpoint: z
    .string()
    .max(200)
    .refine(isChoiceForMany, 'must be latest, best or a step such as step:1200')
    .default('latest')
    .describe('latest, best, or step:1200 of each; those that have none of that step are refused'),
  allow_fallback: z.boolean().default(false),
});
export const BulkPauseBody = z.strictObject({ ...Bulk, ...PauseBody.shape });
export const BulkCancelBody = z.strictObject({ ...Bulk, ...CancelBody.shape });
export type BulkResumeBody = z.input<typeof BulkResumeBody>;
export type BulkPauseBody = z.input<typeof BulkPauseBody>;
export type BulkCancelBody = z.input<typeof BulkCancelBody>;
export const BulkView = z.object({
  dry_run: z.boolean(),
  matched: z.int().describe('those that match and were looked at'),
  left_out: z.int().describe('those that match beyond the most that one request acts on; repeat it for them'),
  done: z.int().describe('done, or in a dry run: would be done'),
  items: z.array(
    z.object({
      operation_id: z.string(),
      name: z.string(),
      status: Status,
      outcome: z
        .enum(['done', 'would-be-done', 'passed-over', 'refused'])
        .describe('passed-over: its status is already what the action is for, or final'),
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
  no_fitting_worker: NoFittingWorker,
  resumed_from: CheckpointSummary.nullable(),
  lost_steps: z.int().describe('steps trained before that this checkpoint does not hold'),
  fell_back_from: z.string().nullable(),
  changes: z.array(SpecChangeView).describe('what the overrides change'),
  guarantee: Guarantee,
  drift: z.array(DriftView).describe('what differs between the checkpoint and the workers that can take it'),
  dry_run: z.boolean(),
});
export type ResumedView = z.infer<typeof ResumedView>;
export const ForkedView = z.object({
  operation_id: z.string().nullable().describe('the new operation; null in a dry run'),
  name: z.string(),
  status: Status.nullable(),
  queue_position: z.int().nullable(),
  no_fitting_worker: NoFittingWorker,
  forked_from: CheckpointSummary.extend({ operation_id: z.string(), status: Status }),
  lost_steps: z.int().describe('steps that the original has trained beyond this checkpoint'),
  fell_back_from: z.string().nullable(),
  changes: z.array(SpecChangeView).describe('what the fork trains differently'),
  guarantee: Guarantee,
  drift: z.array(DriftView),
  dry_run: z.boolean(),
});
export type ForkedView = z.infer<typeof ForkedView>;
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
export const OperationEventsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('sequence number behind which to begin'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export type OperationEventsQuery = z.output<typeof OperationEventsQuery>;
export const EventStreamQuery = z.strictObject({
  operation_id: OperationId.optional().describe('only this operation; without it, all of them'),
});
export type EventStreamQuery = z.output<typeof EventStreamQuery>;
