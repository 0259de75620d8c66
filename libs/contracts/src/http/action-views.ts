import { CLIENT_ACTIONS, GUARANTEE_LEVELS } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Status } from '../fields.js';
import { DriftView } from '../worker/measurements.js';
import { CheckpointSummary, NoFittingWorker, SpecChangeView } from './operation-view.js';

/** How the result relates to the one of a run that was never interrupted. */
const Guarantee = z.object({
  level: z.enum(GUARANTEE_LEVELS),
  detail: z.string().describe('why, and what it rests on'),
});

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
