import type { TrainingSpec } from '@ktrdr/specs';

/** How long a watched figure has not improved, as it is stored. */
export interface Patience {
  /** The best value so far; Infinity before the first. */
  readonly best: number;
  readonly epochs_without: number;
}

export const FRESH_PATIENCE: Patience = { best: Infinity, epochs_without: 0 };

/** Lower is better; an improvement must exceed `minDelta`. */
export function observe(patience: Patience, value: number, minDelta: number): Patience {
  if (value < patience.best - minDelta) return { best: value, epochs_without: 0 };
  return { best: patience.best, epochs_without: patience.epochs_without + 1 };
}

/** Whether the spec stops the run here. */
export function isOutOfPatience({ early_stopping }: TrainingSpec, { epochs_without }: Patience): boolean {
  return early_stopping !== null && epochs_without >= early_stopping.patience;
}

/**
 * The patience of a saved run under its present spec. Early stopping that is new waits from now on, with the best epoch
 * so far to beat. Changed, it keeps its best and its wait: with less patience than it has waited the run is finished, and
 * with more a finished one goes on. Removed, it is forgotten.
 */
export function continuedPatience(
  { early_stopping }: TrainingSpec,
  patience: Patience,
  best: { readonly value: number } | null,
): Patience {
  if (!early_stopping) return FRESH_PATIENCE;
  const isNew = patience.best === Infinity && patience.epochs_without === 0;
  return isNew && best ? { best: best.value, epochs_without: 0 } : patience;
}
