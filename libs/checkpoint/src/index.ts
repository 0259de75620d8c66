export { BLOB_GRACE_HOURS } from './blob-writer.js';
export {
  type CheckpointDraft,
  type CheckpointReference,
  CheckpointStore,
  QUICK_HASH_LIMIT_BYTES,
  type RestoredCheckpoint,
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
  UnsafeKeyError,
} from './errors.js';
export { digestOf, digestOfFile, sha256Of } from './file-digest.js';
export {
  assertKeyPrefix,
  assertObjectKey,
  BLOB_PREFIX,
  blobKey,
  CHECKPOINT_PREFIX,
  checkpointsPrefix,
  isCheckpointFileName,
  manifestKey,
  type ManifestLocation,
  parseManifestKey,
} from './keys.js';
export {
  decodeManifest,
  encodeManifest,
  Manifest,
  MANIFEST_SCHEMA_VERSION,
  ManifestFile,
  parseManifest,
} from './manifest.js';
export type { NamedObject, ObjectRegister } from './collection-ports.js';
export { eraseObjects } from './erase-objects.js';
export {
  isExpendable,
  type OperationRetentionPlan,
  ownKeepLast,
  planOperationRetention,
  type RetentionFacts,
  type RetentionLimits,
} from './operation-retention.js';
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
export { beyondTotalBytes, type SizedCheckpoint, toSized } from './total-bytes.js';
