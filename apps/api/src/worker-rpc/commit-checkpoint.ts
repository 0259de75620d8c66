import { type CheckpointRecord } from '@ktrdr/contracts';
import {
  assertObjectsStored,
  isBlobKey,
  isCheckpointFileName,
  isKeyId,
  manifestKey,
  type ObjectStore,
  sha256OfBlobKey,
} from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { Failpoints } from '@ktrdr/failpoints';
import type { CheckpointDraft, CheckpointRepository, Lease } from '@ktrdr/operations';

/** What a worker wants to commit does not lie where its attempt keeps checkpoints. */
class CheckpointMisplacedError extends DomainError {
  readonly code = 'request-invalid';
}

/** Refuses names and keys of another form or another attempt: a worker commits only its own save. */
function assertInPlace({ operationId, attempt }: Lease, { id, seq, manifest_key: key, files }: CheckpointRecord): void {
  const place = isKeyId(id) ? manifestKey({ operationId, attempt, seq, checkpointId: id }) : null;
  const badFiles = files.filter(({ name, sha256, blob, parts = [] }) => {
    const blobs = [...(blob ? [blob] : []), ...parts.map((part) => part.blob)];
    const areBlobs = blobs.every(isBlobKey) && (!blob || sha256OfBlobKey(blob) === sha256);
    return !isCheckpointFileName(name) || !areBlobs;
  });
  if (key === place && badFiles.length === 0 && new Set(files.map(({ name }) => name)).size === files.length) return;
  const problem =
    key === place
      ? `these files have no such names, or their blobs no such keys: ${badFiles.map(({ name }) => name).join(', ')}`
      : `its manifest is to be ${place ?? 'named by a plain id'}, not ${key}`;
  throw new CheckpointMisplacedError(`Checkpoint ${id} of ${operationId} cannot be committed: ${problem}`, {
    operation_id: operationId,
    checkpoint_id: id,
    manifest_key: key,
    bad_files: badFiles.map(({ name }) => name),
  });
}

/** The second side of the commit: the bytes are there, and the lease still stands. */
export class CommitCheckpoint {
  constructor(
    private readonly checkpoints: CheckpointRepository,
    private readonly objects: ObjectStore,
    private readonly failpoints: Failpoints,
    private readonly onCommitted: (checkpoint: CheckpointDraft) => void,
  ) {}

  /** @throws {CheckpointMisplacedError} @throws {UploadIncompleteError} @throws {LeaseLostError} */
  async execute(lease: Lease, record: CheckpointRecord): Promise<void> {
    assertInPlace(lease, record);
    const draft: CheckpointDraft = {
      id: record.id,
      seq: record.seq,
      kind: record.kind,
      step: record.step,
      epoch: record.epoch,
      createdAt: new Date(record.created_at),
      manifestKey: record.manifest_key,
      manifestSha256: record.manifest_sha256,
      bytes: record.bytes,
      files: record.files,
      metrics: record.metrics,
      isBest: record.is_best,
      parentId: record.parent_id,
      stallMs: record.stall_ms,
      saveMs: record.save_ms,
      uploadedBytes: record.uploaded_bytes,
    };
    await this.checkpoints.commit(lease, draft, async () => {
      await assertObjectsStored(this.objects, draft);
      await this.failpoints.reach('commit.checked', lease.operationId);
    });
    await this.failpoints.reach('commit.recorded', lease.operationId);
    this.onCommitted(draft);
  }
}
