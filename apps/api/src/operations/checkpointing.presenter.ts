import type { CheckpointingView } from '@ktrdr/contracts';
import { achieved, type Checkpointing } from '@ktrdr/operations';

/** What the interval is now, and what it has cost and protected over all attempts. */
export function toCheckpointingView(checkpointing: Checkpointing): CheckpointingView {
  const { saves, costSeconds, trainedSeconds, overheadFraction, isBudgetKept, isMaxLossKept } = achieved(checkpointing);
  return {
    overhead_budget: checkpointing.overheadBudget,
    max_loss_seconds: checkpointing.maxLossSeconds,
    interval_seconds: checkpointing.intervalSeconds,
    decided_by: checkpointing.decidedBy,
    stall_ms: checkpointing.stallMs,
    background_ms: checkpointing.backgroundMs,
    commit_seconds: checkpointing.commitSeconds,
    saves,
    cost_seconds: costSeconds,
    trained_seconds: trainedSeconds,
    overhead_fraction: overheadFraction,
    longest_unprotected_seconds: checkpointing.longestUnprotectedSeconds,
    is_budget_kept: isBudgetKept,
    is_max_loss_kept: isMaxLossKept,
  };
}
