export { BLOB_GRACE_HOURS, type StoredAhead } from './blob-writer.js';
export {
  type CheckpointBeingWritten,
  type CheckpointDraft,
  type CheckpointReference,
  CheckpointStore,
  QUICK_HASH_LIMIT_BYTES,
  type RestoredCheckpoint,
  type RestoreOrder,
  type UploadedCheckpoint,
  type Verification,
} from './checkpoint-store.js';
export {
  CheckpointDamagedError,
  CheckpointUploadError,
  LocalFileError,
  ManifestIncompatibleError,
  ObjectNotFoundError,
  ObjectStoreUnavailableError,
  ObjectUnreadableError,
  SourceFileChangedError,
  StoredFileDamagedError,
  UnsafeKeyError,
} from './errors.js';
export { contentOf } from './file-content.js';
export { digestOf, digestOfFile, sha256Of } from './file-digest.js';
export { PART_BYTES } from './file-parts.js';
export {
  assertKeyPrefix,
  assertObjectKey,
  BLOB_PREFIX,
  blobKey,
  CHECKPOINT_PREFIX,
  checkpointsPrefix,
  isBlobKey,
  isCheckpointFileName,
  isKeyId,
  manifestKey,
  type ManifestLocation,
  parseManifestKey,
  sha256OfBlobKey,
} from './keys.js';
export { decodeManifest, encodeManifest, Manifest, ManifestFile, parseManifest } from './manifest.js';
export type { NamedObject, ObjectRegister } from './collection-ports.js';
export { eraseObjects } from './erase-objects.js';
export {
  mainReason,
  type MainReason,
  type OperationRetentionPlan,
  ownKeepLast,
  planOperationRetention,
  type RetentionFacts,
  type RetentionLimits,
} from './operation-retention.js';
export { mapParallel } from './parallel.js';
export type { ListedObject, ObjectDigest, ObjectHead, ObjectStore } from './ports.js';
export {
  KEEP_REASONS,
  type KeepReason,
  planRetention,
  REMOVE_REASONS,
  type RemoveReason,
  type RetainableCheckpoint,
  type RetentionPlan,
  type RetentionPolicy,
} from './retention.js';
export { toUlid } from './ulid.js';
export { STORE_OWNER_KEY } from './store-owner.js';
export { SweepOrphans, type SweepOptions, type SweepReport } from './sweep-orphans.js';
export { beyondTotalBytes, type SizedCheckpoint, toSized, totalBytes } from './total-bytes.js';
