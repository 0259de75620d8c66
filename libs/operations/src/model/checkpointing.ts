/** What decides an interval: the budget, what may be lost, or that more often would protect little more. */
export const INTERVAL_REASONS = ['budget', 'max-loss', 'most-often'] as const;
type IntervalReason = (typeof INTERVAL_REASONS)[number];

/** The report of an attempt that saves by a budget. */
export interface CheckpointingReport {
  readonly overheadBudget: number;
  readonly maxLossSeconds: number;
  readonly intervalSeconds: number;
  readonly decidedBy: IntervalReason;
  readonly stallMs: number;
  readonly backgroundMs: number;
  readonly commitSeconds: number;
  readonly saves: number;
  readonly costSeconds: number;
  readonly trainedSeconds: number;
  /** The most work that was unsaved at a moment. */
  readonly longestUnprotectedSeconds: number;
}

interface Sums {
  readonly saves: number;
  readonly costSeconds: number;
  readonly trainedSeconds: number;
}

/** The newest report of the newest attempt, with what the attempts before came to. */
export interface Checkpointing extends CheckpointingReport {
  readonly attempt: number;
  readonly before: Sums;
}

const NOTHING: Sums = { saves: 0, costSeconds: 0, trainedSeconds: 0 };

/** What is known after one more report. Reports of an attempt come in order; each holds all of its attempt. */
export function afterReport(known: Checkpointing | null, attempt: number, report: CheckpointingReport): Checkpointing {
  const before = known === null ? NOTHING : known.attempt === attempt ? known.before : sum(known.before, known);
  const longest = Math.max(known?.longestUnprotectedSeconds ?? 0, report.longestUnprotectedSeconds);
  return { ...report, attempt, before, longestUnprotectedSeconds: longest };
}

/** Over all attempts: what saving has cost of the time, and whether what was promised was kept. */
export function achieved(checkpointing: Checkpointing) {
  const { before, overheadBudget, maxLossSeconds, longestUnprotectedSeconds } = checkpointing;
  const all = sum(before, checkpointing);
  const overheadFraction = all.trainedSeconds > 0 ? all.costSeconds / all.trainedSeconds : 0;
  return {
    ...all,
    overheadFraction,
    isBudgetKept: overheadFraction <= overheadBudget,
    isMaxLossKept: longestUnprotectedSeconds <= maxLossSeconds,
  };
}

function sum(a: Sums, b: Sums): Sums {
  return {
    saves: a.saves + b.saves,
    costSeconds: a.costSeconds + b.costSeconds,
    trainedSeconds: a.trainedSeconds + b.trainedSeconds,
  };
}
