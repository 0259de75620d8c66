import { z } from 'zod';
import { Instant } from '../fields.js';
import { Metrics } from '../worker/trainer-protocol.js';
import { FileEntry } from '../worker/worker-rpc.js';
import { CheckpointSummary } from './operation-view.js';

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
  superseded_at: Instant.nullable().describe(
    'when its operation went on from an earlier step, so that only who chooses it goes on from it; null: never',
  ),
  verified_at: Instant.nullable().describe('when every byte of it was last found right'),
  parent_id: z.string().nullable(),
  manifest_key: z.string(),
  manifest_sha256: z.string(),
  stall_ms: z.number().nullable(),
  save_ms: z.number().nullable(),
  uploaded_bytes: z.int().nullable(),
  resume_hint: z
    .string()
    .nullable()
    .describe('the command that resumes from it, or forks where that is refused; null: it is damaged'),
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
const orphanCounts = {
  manifests: z.int(),
  blobs: z.int(),
  bytes: z.int(),
  younger_than_grace: z.int().describe('objects that no checkpoint names yet; they may belong to a save'),
};
export const CheckpointStats = z.object({
  count: z.int(),
  logical_bytes: z.int(),
  stored_bytes: z.int().describe('each blob once'),
  oldest_at: Instant.nullable(),
  operations: z.array(z.object({ operation_id: z.string(), count: z.int(), bytes: z.int() })),
  last_orphan_sweep: z
    .object({ at: Instant, ...orphanCounts, damaged: z.int(), skipped: z.string().nullable() })
    .nullable()
    .describe('what the last sweep of the object store removed, and what it left for being young'),
});
export type CheckpointStats = z.infer<typeof CheckpointStats>;

export const CleanupView = z.object({
  dry_run: z.boolean(),
  removed: z.array(
    z.object({
      checkpoint_id: z.string(),
      operation_id: z.string(),
      step: z.int(),
      bytes: z.int(),
      reason: z.string().describe('beyond-keep-last, too-old or over-total-bytes'),
    }),
  ),
  kept_reasons: z
    .record(z.string(), z.int())
    .describe(
      'how many stay, each counted once, by the first of result, newest, newest-valid, needed, best, pinned, in-use (its ' +
        'operation waits or runs) and within-limits that is true',
    ),
  orphans: z.object({
    ...orphanCounts,
    damaged: z.int().describe('checkpoints whose objects are missing'),
    skipped: z.string().nullable().describe('why the object store was not looked through'),
  }),
  freed_bytes: z.int().describe('of blobs that nothing names any more'),
  over_limit: z
    .object({
      max_total_bytes: z.int(),
      left_bytes: z.int().describe('of the blobs of what stays, each once'),
      over_bytes: z.int(),
    })
    .nullable()
    .describe('max_total_bytes cannot be met, for what stays is protected: kept_reasons says by what'),
});
export type CleanupView = z.infer<typeof CleanupView>;
