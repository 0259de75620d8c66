import { z } from 'zod';
import { OperationId } from '../fields.js';
import { CheckpointExport } from '../http/checkpoint-export.js';
import { CheckpointPage, CheckpointStats, CheckpointView, CleanupView, VerifyView } from '../http/checkpoint-view.js';
import { route, type RouteBody } from './route.js';

export const ofOperation = route({
  method: 'GET',
  path: '/operations/{id}/checkpoints',
  summary: 'Checkpoints of an operation, newest first',
  reply: CheckpointPage,
  problems: [404],
});

export const stats = route({
  method: 'GET',
  path: '/checkpoints/stats',
  summary: 'Number and size of all checkpoints',
  reply: CheckpointStats,
});

export const show = route({
  method: 'GET',
  path: '/checkpoints/{id}',
  summary: 'Show a checkpoint',
  reply: CheckpointView,
  problems: [404],
});

export const verify = route({
  method: 'POST',
  path: '/checkpoints/{id}/verify',
  summary: 'Check the bytes of a checkpoint against its manifest',
  body: z.strictObject({
    depth: z.enum(['quick', 'deep']).default('deep').describe('quick: sizes, and the bytes of small files'),
  }),
  reply: VerifyView,
  problems: [404, 422],
});

export const pin = route({
  method: 'POST',
  path: '/checkpoints/{id}/pin',
  summary: 'Keep a checkpoint whatever the retention rules say',
  reply: CheckpointView,
  problems: [404],
});

export const unpin = route({
  method: 'POST',
  path: '/checkpoints/{id}/unpin',
  summary: 'Let the retention rules apply again',
  reply: CheckpointView,
  problems: [404],
});

export const remove = route({
  method: 'DELETE',
  path: '/checkpoints/{id}',
  summary: 'Delete a checkpoint that nothing needs',
  query: z.strictObject({
    force: z.stringbool().default(false).describe('delete it although it is the last one that can be resumed from'),
  }),
  status: 204,
  problems: [404, 409, 422],
});

/** Each limit that is given is enforced, whatever the others say. Without any, only orphans go. */
export const cleanUp = route({
  method: 'POST',
  path: '/checkpoints/cleanup',
  summary: 'Remove the checkpoints that the limits do not keep, and orphaned objects; by default it only tells which',
  body: z.strictObject({
    dry_run: z.boolean().default(true).describe('true: tells what would go and changes nothing'),
    older_than_days: z.number().min(0).max(36_500).optional(),
    keep_last: z.int().min(1).max(1_000_000).optional().describe('how many valid ones each operation keeps'),
    max_total_bytes: z.int().min(0).optional().describe('of all blobs, each once; the oldest go first'),
    operation_id: OperationId.optional().describe('only the checkpoints of this operation, and no orphans'),
    include_orphans: z.boolean().default(true).describe('what the object store holds and no checkpoint names'),
    orphan_grace_seconds: z
      .number()
      .min(0)
      .max(31_536_000)
      .optional()
      .describe(
        'how old orphans must be. Less than a day only while nothing is being saved: a save that meets the sweep is refused, with a warning on its operation',
      ),
  }),
  reply: CleanupView,
  problems: [404, 422],
});
export type CleanupBody = RouteBody<typeof cleanUp>;

export const exportOne = route({
  method: 'GET',
  path: '/checkpoints/{id}/export',
  summary: 'Everything about a checkpoint but the bytes of its files, for an import elsewhere',
  reply: CheckpointExport,
  problems: [404, 422],
});

export const file = route({
  method: 'GET',
  path: '/checkpoints/{id}/files/{name}',
  summary: 'One file of a checkpoint; an answer that breaks off met damage',
  contentType: 'application/octet-stream',
  problems: [404, 422],
});

export const putBlob = route({
  method: 'PUT',
  path: '/checkpoints/blobs/{sha256}',
  summary: 'Sends one blob (application/octet-stream, 64 MiB at most) of a checkpoint that is going to be imported',
  takesBytes: true,
  status: 204,
  problems: [413, 415, 422],
});
