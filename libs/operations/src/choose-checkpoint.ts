import type { Checkpoint } from './operation.js';

/** `latest`, `best`, or a checkpoint's id. */
export type CheckpointChoice = string;

/**
 * The checkpoints to try, in order: the chosen one, then every older one that is not known to be damaged.
 * `checkpoints` are one operation's, newest first. Empty when the choice matches none.
 * @param trainedSteps where the operation stands. A damaged checkpoint beyond that was already given up for an older
 * one, so it is no longer the latest.
 */
export function candidatesFor(
  checkpoints: readonly Checkpoint[],
  choice: CheckpointChoice,
  trainedSteps: number,
): readonly Checkpoint[] {
  const start =
    choice === 'best'
      ? indexOfBest(checkpoints)
      : checkpoints.findIndex(({ id, step, corruptedAt }) =>
          choice === 'latest' ? corruptedAt === null || step <= trainedSteps : id === choice,
        );
  if (start < 0) return [];
  const chosen = checkpoints.slice(start);
  return chosen.filter(({ corruptedAt }, index) => index === 0 || corruptedAt === null);
}

/** The figures that a best is told by, and the next one where no checkpoint has the one before. */
const WATCHED = ['val_loss', 'loss'] as const;

/**
 * The newest that was saved at a best epoch. Where none was, the sound one with the lowest watched figure: what its last
 * completed epoch came to. Of equal ones the oldest, for the others have trained on since.
 */
function indexOfBest(checkpoints: readonly Checkpoint[]): number {
  const saved = checkpoints.findIndex(({ isBest }) => isBest);
  if (saved >= 0) return saved;
  for (const name of WATCHED) {
    const told = checkpoints.flatMap(({ corruptedAt, metrics }, index) => {
      const value = metrics[name];
      return corruptedAt === null && typeof value === 'number' && Number.isFinite(value) ? [{ index, value }] : [];
    });
    const [best] = told.toSorted((a, b) => a.value - b.value || b.index - a.index);
    if (best) return best.index;
  }
  return -1;
}

/** Steps trained so far that a checkpoint does not hold. */
export function lostSteps(trainedSteps: number, checkpointStep: number): number {
  return Math.max(0, trainedSteps - checkpointStep);
}
