import { OPERATION_TYPES, stepOf } from '@ktrdr/operations/model';
import { z } from 'zod';
import { OperationId, Status } from '../fields.js';
import { BulkView } from '../http/action-views.js';
import * as operations from './operations.js';
import { route, type RouteBody } from './route.js';

const common = {
  /** At least one condition, so that nothing is meant by accident. */
  filter: z
    .strictObject({
      operation_ids: z.array(OperationId).min(1).max(1000).optional(),
      status: z.array(Status).min(1).optional(),
      type: z.enum(OPERATION_TYPES).optional(),
      text: z.string().min(1).max(200).optional(),
      parent_id: OperationId.optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .refine((filter) => Object.values(filter).some((value) => value !== undefined), 'give at least one condition'),
  dry_run: z.boolean().default(false),
};

function isChoiceForMany(choice: string): boolean {
  return choice === 'latest' || choice === 'best' || stepOf(choice) !== null;
}

export const resumeAll = route({
  method: 'POST',
  path: '/operations/resume',
  summary: 'Resume every operation that matches; a dry run shows which those are',
  body: z.strictObject({
    ...common,
    checkpoint: z
      .string()
      .max(200)
      .refine(isChoiceForMany, 'must be latest, best or a step such as step:1200')
      .default('latest')
      .describe('latest, best, or step:1200 of each; those that have none of that step are refused'),
    allow_fallback: z.boolean().default(false),
  }),
  reply: BulkView,
  problems: [422],
});
export type BulkFilter = RouteBody<typeof resumeAll>['filter'];

export const pauseAll = route({
  method: 'POST',
  path: '/operations/pause',
  summary: 'Pause every operation that matches',
  body: z.strictObject({ ...common, ...operations.pause.body.shape }),
  reply: BulkView,
  problems: [422],
});

export const cancelAll = route({
  method: 'POST',
  path: '/operations/cancel',
  summary: 'Cancel every operation that matches',
  body: z.strictObject({ ...common, ...operations.cancel.body.shape }),
  reply: BulkView,
  problems: [422],
});
