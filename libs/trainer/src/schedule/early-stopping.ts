/** How long a watched figure has not improved. Plain data, saved with the training state. */
export interface Patience {
  /** The best value so far; Infinity before the first. */
  readonly best: number;
  readonly epochsWithout: number;
}

export const FRESH_PATIENCE: Patience = { best: Infinity, epochsWithout: 0 };

/** Lower is better; an improvement must exceed `minDelta`. */
export function observe(patience: Patience, value: number, minDelta: number): Patience {
  if (value < patience.best - minDelta) return { best: value, epochsWithout: 0 };
  return { best: patience.best, epochsWithout: patience.epochsWithout + 1 };
}
