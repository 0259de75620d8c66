import { isCheckpointChoice, OPERATION_TYPES, PAUSE_CAUSES, STALL_POLICIES } from '@ktrdr/operations/model';
import { ResumeOverrides } from '@ktrdr/specs';
import { z } from 'zod';
import { Instant, Labels, MaxRecoveries, OperationId, OperationName, PoolName, Status } from '../fields.js';
import { ActionView, ForkedView, ResumedView } from '../http/action-views.js';
import { CheckpointExport } from '../http/checkpoint-export.js';
import { OperationPage, OperationView } from '../http/operation-view.js';
import { Boundary } from '../worker/trainer-protocol.js';
import { route, type RouteBody } from './route.js';

const Reason = z.string().max(500).nullable().default(null);
const Priority = z.int().min(-100).max(100);
const DryRun = z.boolean().default(false);

/** What resuming and forking have in common. */
const continuation = {
  checkpoint: z
    .string()
    .min(1)
    .max(200)
    .refine(isCheckpointChoice, 'takes a whole number behind "step:", such as step:1200')
    .default('latest')
    .describe(
      'latest, best (saved at a best epoch; where none was, the one with the lowest val_loss, or loss), step:1200 (the newest sound one of exactly that step), or a checkpoint id',
    ),
  allow_fallback: z.boolean().default(false),
  allow_backend_change: z
    .boolean()
    .default(false)
    .describe('go on although another backend gives other numbers, close to those of the present one'),
  overrides: ResumeOverrides.default({}),
};

export const submit = route({
  method: 'POST',
  path: '/operations',
  summary: 'Submit an operation',
  body: z.strictObject({
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
    priority: Priority.default(0),
    max_recoveries: MaxRecoveries.default(10),
    spec: z.unknown().describe('checked against the schema of its type'),
  }),
  status: 201,
  reply: OperationView,
  problems: [422],
});
export type SubmitBody = RouteBody<typeof submit>;

export const list = route({
  method: 'GET',
  path: '/operations',
  summary: 'List operations, newest first',
  query: z.strictObject({
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
    limit: z.coerce.number<number>().int().min(1).max(200).default(50),
    cursor: z.string().max(500).optional(),
  }),
  reply: OperationPage,
  problems: [422],
});

export const show = route({
  method: 'GET',
  path: '/operations/{id}',
  summary: 'Show an operation',
  reply: OperationView,
  problems: [404],
});

export const remove = route({
  method: 'DELETE',
  path: '/operations/{id}',
  summary: 'Delete a settled or paused operation with its checkpoints',
  status: 204,
  problems: [404, 409],
});

export const resume = route({
  method: 'POST',
  path: '/operations/{id}/resume',
  summary: 'Resume a stopped operation from a verified checkpoint; a refusal and a dry run change nothing',
  body: z
    .strictObject({
      ...continuation,
      dry_run: DryRun,
      deep: z
        .boolean()
        .default(false)
        .describe(
          'with dry_run: hash every byte of the checkpoint, as the worker does when it restores it, and of each that it ' +
            'falls back through; without it, the contents of files above 256 KiB are not read',
        ),
    })
    .refine(({ deep, dry_run }) => dry_run || !deep, { message: 'goes only with a dry run', path: ['deep'] }),
  status: 202,
  reply: ResumedView,
  problems: [404, 409, 422],
});
export type ResumeBody = RouteBody<typeof resume>;

export const fork = route({
  method: 'POST',
  path: '/operations/{id}/fork',
  summary: 'Make a new operation that continues from a checkpoint of this one; a dry run answers 200',
  body: z.strictObject({
    ...continuation,
    name: OperationName.optional(),
    labels: Labels.optional().describe('in place of the labels of the original'),
    priority: Priority.optional(),
    dry_run: DryRun,
  }),
  status: 201,
  reply: ForkedView,
  problems: [404, 409, 422],
});

export const pause = route({
  method: 'POST',
  path: '/operations/{id}/pause',
  summary: 'Pause an operation; it is paused once its checkpoint is committed',
  body: z.strictObject({
    boundary: Boundary.default('step'),
    cause: z.enum(PAUSE_CAUSES).default('manual'),
    reason: Reason,
    timeout_seconds: z
      .number()
      .min(0.1)
      .max(86_400)
      .nullable()
      .default(null)
      .describe("without a checkpoint by then it goes on running; null: the service's own limit"),
  }),
  status: 202,
  reply: ActionView,
  problems: [404, 409, 422],
});
export type PauseBody = RouteBody<typeof pause>;

export const cancel = route({
  method: 'POST',
  path: '/operations/{id}/cancel',
  summary: 'Cancel an operation, saving a checkpoint unless told to discard',
  body: z.strictObject({
    reason: Reason,
    save: z.boolean().default(true).describe('false: discard the work since the last checkpoint'),
  }),
  status: 202,
  reply: ActionView,
  problems: [404, 409, 422],
});

export const retry = route({
  method: 'POST',
  path: '/operations/{id}/retry',
  summary: 'Make a new operation with the same spec, from the beginning',
  status: 201,
  reply: OperationView,
  problems: [404, 409],
});

export const prioritise = route({
  method: 'POST',
  path: '/operations/{id}/priority',
  summary: 'Move a waiting operation in its queue',
  body: z.strictObject({ priority: z.union([z.int().min(-100).max(1_000_000), z.literal('front')]) }),
  reply: OperationView,
  problems: [404, 409, 422],
});

export const importCheckpoint = route({
  method: 'POST',
  path: '/operations/import',
  summary: 'A new operation, paused at an exported checkpoint whose blobs were sent',
  body: z.strictObject({
    export: CheckpointExport,
    name: OperationName.optional(),
    pool: PoolName.default('default'),
  }),
  status: 201,
  reply: OperationView,
  problems: [409, 422],
});
