import type { CheckpointView } from '@ktrdr/contracts';
import { bestOf, type Checkpoint, latestOf, type Operation, statusesBefore } from '@ktrdr/operations';
import { toCheckpointSummary } from '../operations/operation.presenter.js';

/** All checkpoints of one operation, newest first, and behind those what it has left: which is the latest and which the best shows only among them. */
export function toCheckpointViews(
  { status }: Pick<Operation, 'status'>,
  checkpoints: readonly Checkpoint[],
): CheckpointView[] {
  const best = bestOf(checkpoints);
  const latest = latestOf(checkpoints);
  return checkpoints.map((checkpoint) => ({
    ...toCheckpointSummary(checkpoint),
    operation_id: checkpoint.operationId,
    attempt: checkpoint.attempt,
    seq: checkpoint.seq,
    bytes: checkpoint.bytes,
    files: [...checkpoint.files],
    metrics: { ...checkpoint.metrics },
    is_latest: checkpoint === latest,
    is_best: checkpoint === best,
    pinned: checkpoint.pinned,
    superseded_at: checkpoint.supersededAt?.toISOString() ?? null,
    verified_at: checkpoint.verifiedAt?.toISOString() ?? null,
    parent_id: checkpoint.parentId,
    manifest_key: checkpoint.manifestKey,
    manifest_sha256: checkpoint.manifestSha256,
    stall_ms: checkpoint.stallMs,
    save_ms: checkpoint.saveMs,
    uploaded_bytes: checkpoint.uploadedBytes,
    resume_hint: hintFor(status, checkpoint),
  }));
}

/** A fork is possible whatever the status. */
function hintFor(status: Operation['status'], { id, operationId, corruptedAt }: Checkpoint): string | null {
  if (corruptedAt) return null;
  const action = statusesBefore('resume').includes(status) ? 'resume' : 'fork';
  return `ktrdr operations ${action} ${operationId} --checkpoint ${id}`;
}
