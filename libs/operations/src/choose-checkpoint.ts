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
  const start = checkpoints.findIndex(({ id, step, isBest, corruptedAt }) => {
    if (choice === 'latest') return corruptedAt === null || step <= trainedSteps;
    if (choice === 'best') return isBest;
    return id === choice;
  });
  if (start < 0) return [];
  const chosen = checkpoints.slice(start);
  return chosen.filter(({ corruptedAt }, index) => index === 0 || corruptedAt === null);
}

/** Steps trained so far that a checkpoint does not hold. */
export function lostSteps(trainedSteps: number, checkpointStep: number): number {
  return Math.max(0, trainedSteps - checkpointStep);
}
