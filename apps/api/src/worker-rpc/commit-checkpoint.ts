import { type CheckpointRecord } from '@ktrdr/contracts';
import type { ObjectStore } from '@ktrdr/checkpoint';
import type { Failpoints } from '@ktrdr/failpoints';
import type { CheckpointDraft, CheckpointRepository, Lease } from '@ktrdr/operations';
import { assertObjectsStored } from '../platform/assert-objects-stored.js';

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
      await assertObjectsStored(this.objects, draft);
      await this.failpoints.reach('commit.checked', lease.operationId);
    });
    await this.failpoints.reach('commit.recorded', lease.operationId);
    this.onCommitted(draft);
  }
}
