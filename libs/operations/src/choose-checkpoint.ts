import type { Checkpoint } from './operation.js';

/** `latest`, `best`, or a checkpoint's id. */
export type CheckpointChoice = string;

/**
 * The checkpoints to try, in order: the chosen one, then every older one that is not known to be damaged.
 * `checkpoints` are one operation's, newest first. Empty when the choice matches none.
 */
export function candidatesFor(checkpoints: readonly Checkpoint[], choice: CheckpointChoice): readonly Checkpoint[] {
  const start = checkpoints.findIndex((checkpoint) => {
    if (choice === 'latest') return true;
    if (choice === 'best') return checkpoint.isBest;
    return checkpoint.id === choice;
  });
  if (start < 0) return [];
  const chosen = checkpoints.slice(start);
  return chosen.filter(({ corruptedAt }, index) => index === 0 || corruptedAt === null);
}

/** Steps trained so far that a checkpoint does not hold. */
export function lostSteps(trainedSteps: number, checkpointStep: number): number {
  return Math.max(0, trainedSteps - checkpointStep);
}
