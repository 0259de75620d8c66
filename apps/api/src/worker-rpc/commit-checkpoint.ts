import { type CheckpointRecord } from '@ktrdr/contracts';
import { mapParallel, type ObjectStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import type { Failpoints } from '@ktrdr/failpoints';
import { type CheckpointDraft, type CheckpointRepository, type Lease, partsOf } from '@ktrdr/operations';

const PARALLEL_HEADS = 16;

/** What the commit names is not in the object store. The worker uploads again. */
export class UploadIncompleteError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(checkpointId: string, missing: readonly string[]) {
    super(`Checkpoint ${checkpointId} is not wholly stored; upload it again: ${missing.join(', ')}`, {
      checkpoint_id: checkpointId,
      missing,
    });
  }
}

/** The second side of the commit: the bytes are there, and the lease still stands. */
export class CommitCheckpoint {
  constructor(
    private readonly checkpoints: CheckpointRepository,
    private readonly objects: ObjectStore,
    private readonly failpoints: Failpoints,
    private readonly onCommitted: (checkpoint: CheckpointDraft) => void,
  ) {}

  /** @throws {UploadIncompleteError} @throws {LeaseLostError} */
  async execute(lease: Lease, record: CheckpointRecord): Promise<void> {
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
      await this.assertStored(record);
      await this.failpoints.reach('commit.checked', lease.operationId);
    });
    await this.failpoints.reach('commit.recorded', lease.operationId);
    this.onCommitted(draft);
  }

  private async assertStored({ id, files, manifest_key }: CheckpointRecord): Promise<void> {
    const wanted = [
      { name: 'manifest.json', key: manifest_key, bytes: null },
      ...files.flatMap((file) => partsOf(file).map(({ blob, bytes }) => ({ name: file.name, key: blob, bytes }))),
    ];
    const heads = await mapParallel(wanted, PARALLEL_HEADS, async ({ name, key, bytes }) => {
      const head = await this.objects.head(key);
      return head && (bytes === null || head.bytes === bytes) ? [] : [name];
    });
    const missing = [...new Set(heads.flat())];
    if (missing.length > 0) throw new UploadIncompleteError(id, missing);
  }
}
