import { OPERATION_TYPES } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Count, Instant, Labels, MaxRecoveries, OperationId, OperationName } from '../fields.js';

/** The name under which an export describes itself, beside the checkpoint's files. */
export const EXPORT_FILE = 'ktrdr-export.json';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');

/**
 * A checkpoint as it leaves a deployment: everything but the bytes of its files, which lie beside it. The manifest names
 * those with their hashes.
 */
export const CheckpointExport = z.strictObject({
  format: z.literal('ktrdr-checkpoint'),
  version: z.literal(1),
  exported_at: Instant,
  operation: z.strictObject({
    operation_id: OperationId,
    type: z.enum(OPERATION_TYPES),
    name: OperationName,
    labels: Labels,
    spec: z.unknown().describe('as it was trained when it was exported'),
    spec_sha256: Sha256,
    former_spec_sha256: z.array(Sha256).describe('of specs that it was trained under before'),
    requirements: z.array(z.string()),
    pinned_backend: z.string().nullable(),
    max_recoveries: MaxRecoveries,
    steps: Count.describe('planned'),
    epochs: Count,
  }),
  manifest: z.record(z.string(), z.unknown()),
  manifest_sha256: Sha256,
  sha256: Sha256.describe('of the canonical JSON of all the rest'),
});
export type CheckpointExport = z.output<typeof CheckpointExport>;
