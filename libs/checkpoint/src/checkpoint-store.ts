import { type Failpoints, NO_FAILPOINTS } from '@ktrdr/failpoints';
import { type BadFile, type CheckpointFile, INHERITED_ATTEMPT } from '@ktrdr/operations';
import { BlobWriter, type EarlyBlobs } from './blob-writer.js';
import { downloadFiles, hashPieces } from './reading/download.js';
import { CheckpointDamagedError, CheckpointUploadError } from './errors.js';
import { sha256Of } from './file-digest.js';
import type { ExpectedFile, Writing } from './parts/followed-file.js';
import { assertCheckpointFileName, manifestKey, parseManifestKey, sha256OfBlobKey } from './keys.js';
import { decodeManifest, encodeManifest, type Manifest, MANIFEST_SCHEMA_VERSION } from './manifest.js';
import { intoNewDirectory } from './reading/new-directory.js';
import { mapParallel } from './parallel.js';
import type { ObjectStore } from './ports.js';
import {
  badFilesIn,
  haveSamePieces,
  type Piece,
  type PieceFinding,
  piecesOf,
  tryRead,
  wrongSize,
} from './reading/stored-parts.js';

/**
 * A quick verification hashes blobs smaller than this and checks the size of larger ones. A client waits for it, and
 * hashing takes a millisecond a megabyte; the restore hashes every byte anyway.
 */
export const QUICK_HASH_LIMIT_BYTES = 256 * 1024;
const PARALLEL_CHECKS = 16;

/** A transfer that reports its progress. */
interface Transfer {
  /** Called for each part that is in its place, moved or found there. */
  readonly onMoved?: (() => void) | undefined;
}

/** A checkpoint to be stored: files in a local directory, and what the manifest says about them. */
export interface CheckpointDraft extends Omit<Manifest, 'schema_version' | 'files'>, Transfer {
  readonly dir: string;
  /** File names inside `dir`. They must not change any more. */
  readonly files: readonly string[];
  /** What `startEarly` stored of them. */
  readonly early?: EarlyBlobs | null;
}

/** Files that a trainer writes for a checkpoint of this attempt. */
export interface CheckpointBeingWritten extends Pick<Manifest, 'operation_id' | 'attempt'>, Writing, Transfer {
  /** The trainer may rename it. */
  readonly dir: string;
  readonly files: readonly ExpectedFile[];
  /** When it began. */
  readonly at: Date;
}

export interface UploadedCheckpoint {
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly manifest: Manifest;
  /** Of all files, whether or not they had to be sent. */
  readonly bytes: number;
  /** Of the blobs that were sent. */
  readonly uploadedBytes: number;
}

/** What a committed row says about where its checkpoint is. */
export interface CheckpointReference {
  readonly manifestKey: string;
  readonly manifestSha256: string;
}

export interface VerificationOrder extends CheckpointReference {
  readonly depth: 'quick' | 'deep';
  readonly files?: readonly CheckpointFile[];
}

export interface Verification {
  readonly valid: boolean;
  readonly badFiles: readonly BadFile[];
  /** `null` when the manifest itself is missing or damaged. */
  readonly manifest: Manifest | null;
  readonly filesChecked: number;
  readonly bytesHashed: number;
}

export interface RestoreOrder extends CheckpointReference, Transfer {
  /** Must not exist, or be empty. */
  readonly into: string;
}

export interface RestoredCheckpoint {
  readonly manifest: Manifest;
  readonly bytes: number;
}

/** Checkpoints in an object store: hashed on write, checked on every read. */
export class CheckpointStore {
  private readonly blobs: BlobWriter;

  constructor(
    private readonly objects: ObjectStore,
    private readonly failpoints: Failpoints = NO_FAILPOINTS,
  ) {
    this.blobs = new BlobWriter(objects);
  }

  /**
   * Stores the blobs of files that are still being written, each part as soon as it is there. Nothing refers to them
   * until they are passed to an upload; a sweep removes abandoned ones. Keeps the files open until it settles.
   * @throws SourceFileChangedError when a file gets another size than announced.
   * @throws ObjectStoreUnavailableError, CheckpointUploadError, UnsafeKeyError, or what the signal is aborted with.
   */
  async startEarly({ operation_id, attempt, ...writing }: CheckpointBeingWritten): Promise<EarlyBlobs> {
    writing.files.forEach(({ name }) => assertCheckpointFileName(name));
    return this.blobs.writeEarly({ ...writing, attempt: attemptOf({ operation_id, attempt }) });
  }

  /**
   * Blobs first, manifest last; the caller then commits the row that makes it a checkpoint. Files that were stored early
   * and did not change since are not read again.
   * @throws ObjectStoreUnavailableError, CheckpointUploadError, SourceFileChangedError, UnsafeKeyError
   */
  async upload({
    dir,
    files: names,
    early = null,
    onMoved,
    ...position
  }: CheckpointDraft): Promise<UploadedCheckpoint> {
    const { operation_id: operationId } = position;
    const key = manifestKey({
      operationId,
      attempt: position.attempt,
      seq: position.seq,
      checkpointId: position.checkpoint_id,
    });
    names.forEach(assertCheckpointFileName);
    await this.failpoints.reach('upload.begun', operationId);
    const { files, uploadedBytes } = await this.blobs.write({
      dir,
      names,
      at: new Date(position.created_at),
      attempt: attemptOf(position),
      early,
      onStored: () => {
        onMoved?.();
        return this.failpoints.reach('upload.blob-stored', operationId);
      },
    });
    const bytes = encodeManifest({ schema_version: MANIFEST_SCHEMA_VERSION, ...position, files });
    const manifest = decodeOwn(bytes);
    await this.failpoints.reach('upload.blobs-stored', operationId);
    await this.objects.put(key, bytes);
    await this.failpoints.reach('upload.manifest-stored', operationId);
    return {
      manifestKey: key,
      manifestSha256: sha256Of(bytes),
      manifest,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      uploadedBytes,
    };
  }

  /**
   * Makes the same state another operation's checkpoint: a manifest of its own that names the same blobs, which are not
   * read, let alone copied. The caller then commits the row.
   * @throws CheckpointDamagedError when the manifest is. ObjectStoreUnavailableError, ManifestIncompatibleError
   */
  async adopt(
    reference: CheckpointReference,
    by: { readonly operationId: string; readonly checkpointId: string },
  ): Promise<CheckpointReference> {
    const read = await this.readManifest(reference);
    if ('bad' in read) throw new CheckpointDamagedError(reference.manifestKey, [read.bad]);
    const position = { operationId: by.operationId, attempt: INHERITED_ATTEMPT, seq: 0 };
    const key = manifestKey({ ...position, checkpointId: by.checkpointId });
    const bytes = encodeManifest({
      ...read.manifest,
      checkpoint_id: by.checkpointId,
      operation_id: by.operationId,
      attempt: INHERITED_ATTEMPT,
      seq: 0,
      parent_id: read.manifest.checkpoint_id,
    });
    decodeOwn(bytes);
    await this.objects.put(key, bytes);
    return { manifestKey: key, manifestSha256: sha256Of(bytes) };
  }

  /**
   * Whether the checkpoint is what it was when it was stored. `quick` checks the manifest's hash, the presence and
   * size of every blob, and the bytes of those under `QUICK_HASH_LIMIT_BYTES`; `deep` reads every byte.
   * @param files as the committed row has them: `quick` looks at them beside the manifest instead of after it. Should that
   * say something else, its word counts.
   * @throws ObjectStoreUnavailableError when that cannot be found out.
   * @throws ManifestIncompatibleError when an intact manifest is of an unknown version.
   */
  async verify({ depth, files: named = [], ...reference }: VerificationOrder): Promise<Verification> {
    const expected = depth === 'quick' ? named : []; // a deep one reads gigabytes, so it waits for the manifest
    const looking = this.findings(expected, depth);
    looking.catch(() => undefined); // asked for below, where the manifest is right
    const read = await this.readManifest(reference);
    if ('bad' in read) {
      return { valid: false, badFiles: [read.bad], manifest: null, filesChecked: 1, bytesHashed: read.bytes };
    }
    const { manifest } = read;
    const files = haveSamePieces(expected, manifest.files) ? expected : manifest.files;
    const findings = await (files === expected ? looking : this.findings(files, depth));
    const badFiles = this.judge(findings, files);
    const bytesHashed = findings.reduce((sum, { bytes }) => sum + bytes, read.bytes);
    return { valid: badFiles.length === 0, badFiles, manifest, filesChecked: files.length + 1, bytesHashed };
  }

  /**
   * Downloads every file into the new directory `into` and hashes every byte on the way. The directory appears only
   * when all of it is right.
   * @throws CheckpointDamagedError, ObjectStoreUnavailableError, ManifestIncompatibleError
   */
  async restore({ into, onMoved, ...reference }: RestoreOrder): Promise<RestoredCheckpoint> {
    const manifest = await this.manifest(reference);
    return intoNewDirectory(into, async (dir) => {
      const badFiles = this.judge(await downloadFiles(this.objects, manifest.files, dir, onMoved), manifest.files);
      if (badFiles.length > 0) throw new CheckpointDamagedError(reference.manifestKey, badFiles);
      return { manifest, bytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) };
    });
  }

  /**
   * The manifest, if it is the one that the row names.
   * @throws CheckpointDamagedError, ObjectStoreUnavailableError, ManifestIncompatibleError
   */
  async manifest(reference: CheckpointReference): Promise<Manifest> {
    const read = await this.readManifest(reference);
    if ('bad' in read) throw new CheckpointDamagedError(reference.manifestKey, [read.bad]);
    return read.manifest;
  }

  /** The checkpoint is gone with its manifest; its blobs stay, for others may name them. Can be repeated. */
  async deleteManifest(key: string): Promise<void> {
    parseManifestKey(key);
    await this.objects.delete(key);
  }

  private async readManifest({ manifestKey: key, manifestSha256 }: CheckpointReference): Promise<ReadManifest> {
    parseManifestKey(key);
    const read = await tryRead(() => this.objects.get(key));
    if ('problem' in read) return { bad: { name: 'manifest.json', ...read }, bytes: 0 };
    const sha256 = sha256Of(read.value);
    if (sha256 === manifestSha256) return { manifest: decodeManifest(read.value), bytes: read.value.length };
    const detail = `the manifest ${key} has SHA-256 ${sha256}, not ${manifestSha256}`;
    return { bad: { name: 'manifest.json', problem: 'wrong-hash', detail }, bytes: read.value.length };
  }

  private async findings(files: readonly CheckpointFile[], depth: 'quick' | 'deep'): Promise<readonly PieceFinding[]> {
    const isRead = ({ bytes }: Piece) => depth === 'deep' || bytes < QUICK_HASH_LIMIT_BYTES;
    const pieces = piecesOf(files);
    const [hashed, measured] = await Promise.all([
      hashPieces(this.objects, pieces.filter(isRead)),
      mapParallel(
        pieces.filter((piece) => !isRead(piece)),
        PARALLEL_CHECKS,
        (piece) => this.measure(piece),
      ),
    ]);
    return [...hashed, ...measured];
  }

  private async measure(piece: Piece): Promise<PieceFinding> {
    const head = await this.objects.head(piece.blob);
    const missing = { problem: 'missing', detail: `there is no ${piece.blob}` } as const;
    return { piece, problem: head ? wrongSize(piece, head.bytes) : missing, bytes: 0 };
  }

  /** What was found bad is not built upon any more. */
  private judge(findings: readonly PieceFinding[], files: readonly CheckpointFile[]): readonly BadFile[] {
    for (const { piece, problem } of findings) if (problem) this.blobs.distrust(sha256OfBlobKey(piece.blob));
    return badFilesIn(files, findings);
  }
}

type ReadManifest =
  { readonly manifest: Manifest; readonly bytes: number } | { readonly bad: BadFile; readonly bytes: number };

function attemptOf({ operation_id: operationId, attempt }: Pick<Manifest, 'operation_id' | 'attempt'>): string {
  return `${operationId}:${attempt}`;
}

/** Nothing is stored that could not be read back. */
function decodeOwn(bytes: Uint8Array): Manifest {
  try {
    return decodeManifest(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CheckpointUploadError(
      `The checkpoint was not stored, because it could not be read back: ${reason}`,
      {},
      {
        cause: error,
      },
    );
  }
}
