import type { CheckpointDraft, EarlyBlobs, UploadedCheckpoint } from '@ktrdr/checkpoint';
import type { TrainerEvent, WorkerRpcRequest } from '@ktrdr/contracts';
import type { Lease } from '../api-link/ports.js';
import type { EarlyUpload } from './early-upload.js';

export type Save = Extract<TrainerEvent, { type: 'saved' }>;

/** The origin of a state, as its manifest names it. */
export interface Provenance {
  readonly specSha256: string;
  readonly dataFingerprint: string;
  readonly trainer: { readonly name: string; readonly version: string };
  readonly backend: { readonly name: string; readonly version: string };
}

/** A save that is not committed yet. */
export interface PendingSave {
  readonly save: Save;
  readonly lease: Lease;
  readonly provenance: Provenance;
  /** Counts the saves of the attempt from 1. */
  readonly seq: number;
  readonly createdAt: Date;
  /** On the clock of `performance.now()`. */
  readonly receivedAt: number;
  /** The upload that began while the trainer wrote the files. */
  readonly early: EarlyUpload | null;
}

interface Identity {
  readonly checkpointId: string;
  readonly parentId: string | null;
  readonly early: EarlyBlobs | null;
}

/** What the checkpoint store uploads. */
export function toDraft(
  { save, lease, provenance, seq, createdAt }: PendingSave,
  { checkpointId, parentId, early }: Identity,
): CheckpointDraft {
  return {
    dir: save.dir,
    files: save.files,
    early,
    checkpoint_id: checkpointId,
    operation_id: lease.operationId,
    attempt: lease.attempt,
    seq,
    kind: save.kind,
    step: save.step,
    epoch: save.epoch,
    created_at: createdAt.toISOString(),
    spec_sha256: provenance.specSha256,
    data_fingerprint: provenance.dataFingerprint,
    trainer: provenance.trainer,
    backend: provenance.backend,
    metrics: save.metrics,
    parent_id: parentId,
  };
}

/** What the API commits. */
export function toRecord(
  { save, seq, createdAt, early, receivedAt }: PendingSave,
  { manifest, ...uploaded }: UploadedCheckpoint,
): WorkerRpcRequest<'checkpoint-commit'>['checkpoint'] {
  const { best, step, epoch } = save;
  return {
    id: manifest.checkpoint_id,
    seq,
    kind: save.kind,
    step,
    epoch,
    created_at: createdAt.toISOString(),
    manifest_key: uploaded.manifestKey,
    manifest_sha256: uploaded.manifestSha256,
    bytes: uploaded.bytes,
    files: manifest.files.map((file) => ({ ...file })),
    metrics: save.metrics,
    is_best: best !== null && best.step === step && best.epoch === epoch,
    parent_id: manifest.parent_id,
    stall_ms: save.stall_ms,
    save_ms: Math.round(performance.now() - (early?.begunAt ?? receivedAt)),
    uploaded_bytes: uploaded.uploadedBytes,
  };
}
