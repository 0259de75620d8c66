import { z } from 'zod';
import { CheckpointSummary } from './operation-view.js';
import { Metrics } from './trainer-protocol.js';
import { FileEntry } from './worker-rpc.js';

const Instant = z.iso.datetime();

export const DeleteCheckpointQuery = z.strictObject({
  force: z.stringbool().default(false).describe('delete it although it is the last one that can be resumed from'),
});
export type DeleteCheckpointQuery = z.output<typeof DeleteCheckpointQuery>;
export const VerifyBody = z.strictObject({
  depth: z.enum(['quick', 'deep']).default('deep').describe('quick: sizes, and the bytes of small files'),
});
export type VerifyBody = z.input<typeof VerifyBody>;
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
