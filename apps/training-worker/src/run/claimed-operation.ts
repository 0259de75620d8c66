import type { ClaimedOperation, TrainerControl } from '@ktrdr/contracts';
import { traitsOf } from '@ktrdr/operations/model';
import type { CommittedCheckpoint } from '../checkpoints/checkpoint-uploader.js';
import type { LocalCheckpoint } from '../trainers/ports.js';

type ResumeChoice = NonNullable<ClaimedOperation['resume']>;

export function toCommitted({ checkpoint_id, step, epoch }: ResumeChoice): CommittedCheckpoint {
  return { checkpointId: checkpoint_id, step, epoch };
}

/** What its trainer is started with. */
export function toStart(
  operation: ClaimedOperation,
  given: { readonly dataFile: string | null; readonly spoolDir: string; readonly resume: LocalCheckpoint | null },
): Extract<TrainerControl, { type: 'start' }> {
  return {
    type: 'start',
    operation_id: operation.operation_id,
    attempt: operation.attempt,
    operation_type: operation.type,
    spec: specWithBackend(operation),
    spec_sha256: operation.spec_sha256,
    accepted_spec_sha256: operation.accepted_spec_sha256,
    ...(operation.allow_backend_change ? { allow_backend_change: true } : {}),
    data_file: given.dataFile,
    spool_dir: given.spoolDir,
    resume: given.resume,
  };
}

/** Another backend would change the numbers, so an attempt that could choose takes the one of the attempts before. */
function specWithBackend({ type, spec, pinned_backend }: ClaimedOperation): unknown {
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
