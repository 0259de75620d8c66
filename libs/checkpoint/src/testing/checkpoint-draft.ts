import type { CheckpointDraft } from '../checkpoint-store.js';

/** A checkpoint of the given local files, at one place of one operation by default. */
export function checkpointDraft(
  draft: Pick<CheckpointDraft, 'dir' | 'files'> & Partial<CheckpointDraft>,
): CheckpointDraft {
  return {
    checkpoint_id: '01JD5M9W7X0000000000000000',
    operation_id: 'op_training_20261122_101500_k3v9qa',
    attempt: 2,
    seq: 7,
    kind: 'periodic',
    step: 1400,
    epoch: 25,
    created_at: new Date().toISOString(),
    spec_sha256: 'a'.repeat(64),
    data_fingerprint: 'b'.repeat(64),
    trainer: { name: 'tensorflow.js', version: '4.22.0' },
    backend: { name: 'wasm', version: '4.22.0' },
    metrics: { loss: 0.25 },
    parent_id: null,
    ...draft,
  };
}
