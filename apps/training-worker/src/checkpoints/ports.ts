import type {
  CheckpointBeingWritten,
  CheckpointDraft,
  Manifest,
  RestoreOrder,
  EarlyBlobs,
  UploadedCheckpoint,
} from '@ktrdr/checkpoint';

/** What a manifest says about the origin of its state. */
export type RestoredManifest = Pick<Manifest, 'trainer' | 'backend' | 'data_fingerprint' | 'spec_sha256'>;

/** Where checkpoints go and come from. */
export interface CheckpointStorage {
  /** Stores files while the trainer writes them. The upload of the same files takes what this returns. */
  startEarly(writing: CheckpointBeingWritten): Promise<EarlyBlobs>;
  upload(draft: CheckpointDraft): Promise<UploadedCheckpoint>;
  restore(from: RestoreOrder): Promise<{ readonly manifest: RestoredManifest }>;
}
