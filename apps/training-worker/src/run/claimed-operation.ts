import type { ClaimedOperation } from '@ktrdr/contracts';
import { traitsOf } from '@ktrdr/operations/model';
import type { CommittedCheckpoint } from '../checkpoints/checkpoint-uploader.js';

type ResumeChoice = NonNullable<ClaimedOperation['resume']>;

export function toCommitted({ checkpoint_id, step, epoch }: ResumeChoice): CommittedCheckpoint {
  return { checkpointId: checkpoint_id, step, epoch };
}

/** Another backend would change the numbers, so an attempt that could choose takes the one of the attempts before. */
export function specWithBackend({ type, spec, pinned_backend }: ClaimedOperation): unknown {
  if (traitsOf({ type, spec }).runsOn !== 'backend' || !pinned_backend || !isRecord(spec)) return spec;
  const { backend } = spec;
  return backend === undefined || backend === 'auto' ? { ...spec, backend: pinned_backend } : spec;
}

/** Where its data comes from. */
export function sourceOf({ spec }: ClaimedOperation): string {
  const data = isRecord(spec) ? spec['data'] : undefined;
  const source = isRecord(data) ? data['source'] : undefined;
  return typeof source === 'string' ? source : 'dataset:';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
