export { BLOB_GRACE_HOURS, type StoredAhead } from './blob-writer.js';
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
export { contentOf } from './reading/file-content.js';
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
export type { ObjectRegister } from './retention/gc-ports.js';
export { eraseObjects } from './retention/erase-objects.js';
export {
  mainReason,
  ownKeepLast,
  planOperationRetention,
  type RetentionLimits,
} from './retention/operation-retention.js';
export { mapParallel } from './parallel.js';
export type { ListedObject, ObjectDigest, ObjectHead, ObjectStore } from './ports.js';
export { type RemoveReason } from './retention/retention.js';
export { toUlid } from './ulid.js';
export { SweepOrphans, type SweepReport } from './retention/sweep-orphans.js';
export { beyondTotalBytes, type SizedCheckpoint, toSized, totalBytes } from './retention/total-bytes.js';
