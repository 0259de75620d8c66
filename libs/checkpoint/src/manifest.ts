import { CHECKPOINT_KINDS, MAX_BLOB_BYTES } from '@ktrdr/operations';
import { z } from 'zod';
import { ManifestIncompatibleError } from './errors.js';
import { blobKey, isBlobKey, isCheckpointFileName, isKeyId } from './keys.js';

export const MANIFEST_SCHEMA_VERSION = 1;

const KeyId = z.string().refine(isKeyId, 'has characters that an id cannot have');
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256');
const NamedVersion = z.object({ name: z.string().min(1), version: z.string() });
const StoredPart = z.object({
  blob: z.string().refine(isBlobKey, 'is not the key of a blob'),
  bytes: z.int().min(1).max(MAX_BLOB_BYTES),
});

/** One file of a checkpoint and the blobs that hold its bytes. */
export const ManifestFile = z
  .object({
    name: z.string().refine(isCheckpointFileName, 'is not a plain file name'),
    bytes: z.int().min(0),
    sha256: Sha256.optional(),
    blob: z.string().optional(),
    parts: z.array(StoredPart).min(2).readonly().optional(),
  })
  .refine(
    ({ sha256, blob, parts }) => (parts ? !blob && !sha256 : sha256 !== undefined && blob === blobKey(sha256)),
    'names a blob that is not its hash, or is neither in one blob nor in parts',
  )
  .refine(({ bytes, parts }) => parts || bytes <= MAX_BLOB_BYTES, `has more than ${MAX_BLOB_BYTES} bytes in one blob`)
  .refine(
    ({ bytes, parts }) => !parts || parts.reduce((sum, part) => sum + part.bytes, 0) === bytes,
    'has parts that are not as long together as it is',
  );
export type ManifestFile = Readonly<z.infer<typeof ManifestFile>>;

/** Everything that is known about a checkpoint, in the form in which it is stored (JSON, snake_case). */
export const Manifest = z.object({
  schema_version: z.literal(MANIFEST_SCHEMA_VERSION),
  checkpoint_id: KeyId,
  operation_id: KeyId,
  /** 0: it was given to the operation, which had not saved anything yet. */
  attempt: z.int().min(0),
  seq: z.int().min(0),
  kind: z.enum(CHECKPOINT_KINDS),
  step: z.int().min(0),
  epoch: z.int().min(0),
  created_at: z.iso.datetime(),
  spec_sha256: z.string(),
  data_fingerprint: z.string(),
  trainer: NamedVersion,
  backend: NamedVersion,
  /** What JSON has no number for stands as its name. */
  metrics: z.record(z.string(), z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])),
  parent_id: KeyId.nullable(),
  files: z
    .array(ManifestFile)
    .min(1)
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'name a file twice'),
});
export type Manifest = Readonly<z.infer<typeof Manifest>>;

/** The same manifest gives the same bytes: canonical JSON with sorted keys, files in order of their names. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const files = manifest.files.toSorted((a, b) => compareText(a.name, b.name));
  return new TextEncoder().encode(toCanonicalJson({ ...manifest, files }));
}

/**
 * @param bytes what `encodeManifest` made.
 * @throws ManifestIncompatibleError
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return parseManifest(parseJson(bytes));
}

/**
 * @param input parsed JSON.
 * @throws ManifestIncompatibleError for any other schema version and for what does not fit the schema.
 */
export function parseManifest(input: unknown): Manifest {
  const schemaVersion: unknown =
    typeof input === 'object' && input !== null && 'schema_version' in input ? input.schema_version : undefined;
  if (schemaVersion !== MANIFEST_SCHEMA_VERSION) {
    const found = schemaVersion === undefined ? 'none' : JSON.stringify(schemaVersion);
    const advice = 'Resume with the version of ktrdr that wrote it, or from another checkpoint';
    throw new ManifestIncompatibleError(
      `it needs schema version ${MANIFEST_SCHEMA_VERSION} and finds ${found}. ${advice}`,
      { schemaVersion },
    );
  }
  const parsed = Manifest.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new ManifestIncompatibleError(problems, { schemaVersion });
  }
  return parsed.data;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ManifestIncompatibleError(`it is not JSON (${(error as Error).message})`);
  }
}

function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => compareText(a, b));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${toCanonicalJson(entry)}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  return JSON.stringify(value);
}

/** By code units, so that the order does not depend on a locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
