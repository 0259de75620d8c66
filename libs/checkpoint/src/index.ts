export { BLOB_GRACE_HOURS, type EarlyBlobs } from './blob-writer.js';
export {
  type CheckpointBeingWritten,
  type CheckpointDraft,
  CheckpointStore,
  type RestoreOrder,
  type UploadedCheckpoint,
} from './checkpoint-store.js';
export {
  CheckpointDamagedError,
  LocalFileError,
  ObjectNotFoundError,
  ObjectStoreUnavailableError,
  ObjectUnreadableError,
  UnsafeKeyError,
} from './errors.js';
export { toExport } from './exchange/checkpoint-export.js';
export { ImportCheckpoint } from './exchange/import-checkpoint.js';
export { assertObjectsStored } from './reading/missing-objects.js';
export { contentOf } from './reading/download.js';
export { digestOf, digestOfFile, sha256Of } from './file-digest.js';
export { PART_BYTES } from './parts/file-parts.js';
export {
  assertKeyPrefix,
  assertObjectKey,
  blobKey,
  isBlobKey,
  isCheckpointFileName,
  isKeyId,
  manifestKey,
  sha256OfBlobKey,
} from './keys.js';
export { encodeManifest, Manifest, parseManifest } from './manifest.js';
export type { CheckpointGarbage } from './retention/gc-ports.js';
export { type CleanedUp, CleanUpCheckpoints } from './retention/clean-up-checkpoints.js';
export { eraseObjects } from './retention/erase-objects.js';
export { mapParallel } from './parallel.js';
export type { ListedObject, ObjectDigest, ObjectHead, ObjectStore } from './ports.js';
export { ExpireCheckpoints, RetireCheckpoints } from './retention/scheduled-retention.js';
export { type RecordedSweep, ScheduledSweep } from './retention/scheduled-sweep.js';
export { emptyReport, SweepOrphans, type SweepReport } from './retention/sweep-orphans.js';
