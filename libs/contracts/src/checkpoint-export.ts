import { OPERATION_TYPES } from '@ktrdr/operations';
import { z } from 'zod';
import { OperationId } from './operation-view.js';
import { PoolName } from './pool-name.js';

/** The name under which an export describes itself, beside the checkpoint's files. */
export const EXPORT_FILE = 'ktrdr-export.json';

/**
 * A checkpoint as it leaves a deployment: everything but the bytes of its files, which lie beside it. The manifest names
 * those with their hashes.
 */
export const CheckpointExport = z.strictObject({
  format: z.literal('ktrdr-checkpoint'),
  version: z.literal(1),
  exported_at: z.iso.datetime(),
  operation: z.strictObject({
    operation_id: OperationId,
    type: z.enum(OPERATION_TYPES),
    name: z.string().max(200),
    labels: z.record(z.string(), z.string()),
    spec: z.unknown().describe('as it was trained when it was exported'),
    spec_sha256: z.string(),
    former_spec_sha256: z.array(z.string()).describe('of specs that it was trained under before'),
    requirements: z.array(z.string()),
    pinned_backend: z.string().nullable(),
    max_recoveries: z.int().min(0),
    steps: z.int().min(0).describe('planned'),
    epochs: z.int().min(0),
  }),
  manifest: z.record(z.string(), z.unknown()),
  manifest_sha256: z.string(),
  sha256: z.string().describe('of the canonical JSON of all the rest'),
});
export type CheckpointExport = z.output<typeof CheckpointExport>;

export const ImportBody = z.strictObject({
  export: CheckpointExport,
  name: z.string().min(1).max(200).optional(),
  pool: PoolName,
});
export type ImportBody = z.input<typeof ImportBody>;
