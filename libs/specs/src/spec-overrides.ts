import { z } from 'zod';
import { BACKENDS, CheckpointPolicySpec, EarlyStoppingSpec, type TrainingSpec } from './training-spec.js';

/** What a resume may change. Everything else stays as it was submitted; what changes is recorded with its diff. */
export const ResumeOverrides = z.strictObject({
  epochs: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('not fewer than the checkpoint has trained; as many complete at once, at the end of an epoch only'),
  learning_rate: z.number().positive().max(100).optional(),
  batch_size: z.int().min(1).max(65_536).optional(),
  early_stopping: EarlyStoppingSpec.nullable().optional(),
  checkpoint: CheckpointPolicySpec.optional(),
  backend: z
    .enum(['auto', ...BACKENDS])
    .optional()
    .describe('another one than before needs allow_backend_change'),
});
export type ResumeOverrides = z.output<typeof ResumeOverrides>;

export interface SpecChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The spec with the overrides in place, and what they changed. Equal values are no change. */
export function applyOverrides(
  spec: TrainingSpec,
  overrides: ResumeOverrides,
): { readonly spec: TrainingSpec; readonly changes: readonly SpecChange[] } {
  const { epochs, learning_rate, batch_size, early_stopping, checkpoint, backend } = overrides;
  const changed: TrainingSpec = {
    ...spec,
    ...(epochs === undefined ? {} : { epochs }),
    ...(batch_size === undefined ? {} : { batch_size }),
    ...(early_stopping === undefined ? {} : { early_stopping }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(backend === undefined ? {} : { backend }),
    ...(learning_rate === undefined ? {} : { optimizer: { ...spec.optimizer, learning_rate } }),
  };
  const changes = [
    change('epochs', spec.epochs, changed.epochs),
    change('optimizer.learning_rate', spec.optimizer.learning_rate, changed.optimizer.learning_rate),
    change('batch_size', spec.batch_size, changed.batch_size),
    change('early_stopping', spec.early_stopping, changed.early_stopping),
    change('checkpoint', spec.checkpoint, changed.checkpoint),
    change('backend', spec.backend, changed.backend),
  ].flat();
  return { spec: changed, changes };
}

function change(path: string, from: unknown, to: unknown): readonly SpecChange[] {
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to }];
}

/** Later overrides win; what they do not name stays as earlier ones left it. */
export function mergeOverrides(earlier: ResumeOverrides, later: ResumeOverrides): ResumeOverrides {
  return { ...earlier, ...later };
}

/** What might help after a failure, by its code. Nothing is applied by itself. */
export function suggestOverrides(
  code: string,
  spec: TrainingSpec,
): readonly { readonly overrides: ResumeOverrides; readonly why: string }[] {
  switch (code) {
    case 'trainer-out-of-memory':
      return spec.batch_size > 1
        ? [
            {
              overrides: { batch_size: Math.max(1, Math.floor(spec.batch_size / 2)) },
              why: 'smaller batches need less memory',
            },
          ]
        : [];
    case 'training-diverged':
      return [
        {
          overrides: { learning_rate: spec.optimizer.learning_rate / 10 },
          why: 'the loss left the numbers; smaller steps may keep it there',
        },
      ];
    default:
      return [];
  }
}
