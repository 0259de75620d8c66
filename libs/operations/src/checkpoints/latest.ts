import { type Checkpoint, type CheckpointChoice, stepOf } from '../model/checkpoint.js';

/**
 * The checkpoints to try, in order: the chosen one, then every older one that is not known to be damaged.
 * `checkpoints` are one operation's, newest first, and behind those what it has left behind. Empty when the choice matches none.
 * @param trainedSteps where the operation stands. A damaged checkpoint beyond that was already given up for an older
 * one, so it is no longer the latest.
 */
export function candidatesFor(
  checkpoints: readonly Checkpoint[],
  choice: CheckpointChoice,
  trainedSteps: number,
): readonly Checkpoint[] {
  const start = indexOfChosen(checkpoints, choice, trainedSteps);
  if (start < 0) return [];
  const chosen = checkpoints.slice(start);
  return chosen.filter(({ corruptedAt }, index) => index === 0 || corruptedAt === null);
}

function indexOfChosen(checkpoints: readonly Checkpoint[], choice: CheckpointChoice, trainedSteps: number): number {
  if (choice === 'best') return indexOfBest(checkpoints);
  if (choice === 'latest')
    return checkpoints.findIndex(({ corruptedAt, step }) => corruptedAt === null || step <= trainedSteps);
  const step = stepOf(choice);
  return step === null ? checkpoints.findIndex(({ id }) => id === choice) : indexOfStep(checkpoints, step);
}

/** The newest sound one of the step; where all of it are damaged, the newest. */
function indexOfStep(checkpoints: readonly Checkpoint[], wanted: number): number {
  const sound = checkpoints.findIndex(({ step, corruptedAt }) => step === wanted && corruptedAt === null);
  return sound >= 0 ? sound : checkpoints.findIndex(({ step }) => step === wanted);
}

/** The steps next to a choice's, before and behind it, that sound checkpoints are of; none where it names no step. */
export function nearestSteps(checkpoints: readonly Checkpoint[], choice: CheckpointChoice): readonly number[] {
  const wanted = stepOf(choice);
  if (wanted === null) return [];
  const sound = checkpoints.filter(({ corruptedAt }) => corruptedAt === null);
  const steps = sound.map(({ step }) => step).toSorted((a, b) => b - a);
  const before = steps.find((step) => step < wanted);
  const behind = steps.findLast((step) => step > wanted);
  return [before, behind].filter((step) => step !== undefined);
}

/** Why a choice may match none; `ofLatest` where there is none at all. */
export function reasonsForNone(choice: CheckpointChoice, ofLatest: readonly string[]): readonly string[] {
  if (choice === 'latest') return ofLatest;
  if (choice === 'best') return ['no sound checkpoint tells a loss to choose by'];
  return stepOf(choice) === null
    ? ['this id is not a checkpoint of this operation, or it was deleted']
    : ['none was saved at exactly this step', 'it was deleted, by hand or to keep only the last ones'];
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
