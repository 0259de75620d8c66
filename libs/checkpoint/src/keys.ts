import { UnsafeKeyError } from './errors.js';

/** Where blobs are. */
export const BLOB_PREFIX = 'blobs/sha256/';
/** Where manifests are. */
export const CHECKPOINT_PREFIX = 'checkpoints/';

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.=@+-]{0,199}$/;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MANIFEST_KEY =
  /^checkpoints\/([A-Za-z0-9_-]{1,128})\/(\d{1,15})-(\d{1,15})-([A-Za-z0-9_-]{1,128})\/manifest\.json$/;
const BLOB_KEY = /^blobs\/sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}$/;
const MAX_KEY_LENGTH = 900;
const ULID_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** What a manifest's key says about it. */
export interface ManifestLocation {
  readonly operationId: string;
  readonly attempt: number;
  readonly seq: number;
  readonly checkpointId: string;
}

/**
 * Refuses keys that are not plain relative paths. No segment starts with a dot, so stores may keep private files
 * under such names.
 * @throws UnsafeKeyError
 */
export function assertObjectKey(key: string): void {
  const safe = key.length <= MAX_KEY_LENGTH && key.split('/').every((segment) => SEGMENT.test(segment));
  if (!safe) {
    const rule = `segments of letters, digits and _.=@+- between slashes, none starting with a dot, ${MAX_KEY_LENGTH} in all`;
    throw new UnsafeKeyError('object key', key, rule);
  }
}

/**
 * Refuses prefixes that no valid key could start with. The empty prefix is every key.
 * @throws UnsafeKeyError
 */
export function assertKeyPrefix(prefix: string): void {
  if (prefix !== '') assertObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** Whether `name` can name a file inside a checkpoint: no folders, nothing hidden. */
export function isCheckpointFileName(name: string): boolean {
  return FILE_NAME.test(name) && !name.includes('..');
}

/** @throws UnsafeKeyError unless `name` can name a file inside a checkpoint. */
export function assertCheckpointFileName(name: string): void {
  if (!isCheckpointFileName(name)) {
    const rule = 'letters, digits and _.- with no folder, no leading dot and no "..", 200 at most';
    throw new UnsafeKeyError('checkpoint file name', name, rule);
  }
}

/** Whether `id` can stand in a key. */
export function isKeyId(id: string): boolean {
  return ID.test(id);
}

/** @throws UnsafeKeyError unless `sha256` is a lower-case hexadecimal SHA-256. */
export function blobKey(sha256: string): string {
  if (!SHA256.test(sha256)) throw new UnsafeKeyError('SHA-256', sha256, '64 lower-case hexadecimal digits');
  return `${BLOB_PREFIX}${sha256.slice(0, 2)}/${sha256}`;
}

/** @throws UnsafeKeyError when a part could change the key's shape. */
export function manifestKey({ operationId, attempt, seq, checkpointId }: ManifestLocation): string {
  const key = `${checkpointsPrefix(operationId)}${attempt}-${seq}-${checkpointId}/manifest.json`;
  parseManifestKey(key);
  return key;
}

/** Every manifest of one operation has a key that starts with this. */
function checkpointsPrefix(operationId: string): string {
  if (!isKeyId(operationId)) throw new UnsafeKeyError('operation id', operationId, 'letters, digits, _ and -');
  return `${CHECKPOINT_PREFIX}${operationId}/`;
}

/** Whether a blob can have this key. */
export function isBlobKey(key: string): boolean {
  return BLOB_KEY.test(key);
}

/**
 * The SHA-256 that a blob's key says its bytes have.
 * @throws UnsafeKeyError when it is not the key of a blob.
 */
export function sha256OfBlobKey(key: string): string {
  if (!isBlobKey(key)) throw new UnsafeKeyError('blob key', key, `${BLOB_PREFIX}<aa>/<SHA-256>`);
  return key.slice(BLOB_PREFIX.length + 3);
}

/** Whether a manifest can have this key. */
export function isManifestKey(key: string): boolean {
  return MANIFEST_KEY.test(key);
}

/** @throws UnsafeKeyError when `key` is not a manifest's. */
export function parseManifestKey(key: string): ManifestLocation {
  const [, operationId, attempt, seq, checkpointId] = MANIFEST_KEY.exec(key) ?? [];
  if (!operationId || !checkpointId) {
    const rule = `${CHECKPOINT_PREFIX}<operation>/<attempt>-<seq>-<checkpoint>/manifest.json`;
    throw new UnsafeKeyError('manifest key', key, rule);
  }
  return { operationId, attempt: Number(attempt), seq: Number(seq), checkpointId };
}

/**
 * A ULID (https://github.com/ulid/spec): 26 characters that sort by time, unique by their 80 random bits.
 * @param atMs milliseconds since 1970.
 * @param randomness 10 random bytes.
 */
export function toUlid(atMs: number, randomness: Uint8Array): string {
  if (randomness.length !== 10) throw new RangeError(`A ULID takes 10 random bytes, not ${randomness.length}`);
  let value = BigInt(Math.trunc(atMs));
  for (const byte of randomness) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 26; i += 1) {
    text = ULID_ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}
