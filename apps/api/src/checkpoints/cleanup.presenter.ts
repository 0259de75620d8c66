import type { CleanedUp, RecordedSweep, SweepReport } from '@ktrdr/checkpoint';
import type { CheckpointStats, CleanupView } from '@ktrdr/contracts';

export function toCleanupView(cleaned: CleanedUp, swept: SweepReport, isDryRun: boolean): CleanupView {
  return {
    dry_run: isDryRun,
    removed: cleaned.removed.map(({ checkpoint, reason }) => ({
      checkpoint_id: checkpoint.id,
      operation_id: checkpoint.operationId,
      step: checkpoint.step,
      bytes: checkpoint.bytes,
      reason,
    })),
    kept_reasons: Object.fromEntries(cleaned.keptReasons),
    orphans: toOrphanCounts(swept),
    freed_bytes: cleaned.freedBytes + swept.bytes,
    over_limit: cleaned.overLimit && {
      max_total_bytes: cleaned.overLimit.maxTotalBytes,
      left_bytes: cleaned.overLimit.leftBytes,
      over_bytes: cleaned.overLimit.leftBytes - cleaned.overLimit.maxTotalBytes,
    },
  };
}

export function toLastSweep(sweep: RecordedSweep | null): NonNullable<CheckpointStats['last_orphan_sweep']> | null {
  return sweep && { at: sweep.at.toISOString(), ...toOrphanCounts(sweep) };
}

function toOrphanCounts({ manifests, blobs, bytes, youngerThanGrace, damaged, skipped }: SweepReport) {
  return { manifests, blobs, bytes, younger_than_grace: youngerThanGrace, damaged, skipped };
}
