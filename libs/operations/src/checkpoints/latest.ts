import { type Checkpoint, type CheckpointChoice, stepOf } from '../model/checkpoint.js';
import type { Operation } from '../model/operation.js';

/*
 * Which checkpoint counts: the only place that orders or chooses checkpoints. Five questions: their order, which one a
 * choice names, where an attempt starts, what replaces a damaged one, and which ones an operation needs. Every list of
 * checkpoints is one operation's, in this order.
 */

interface OrderKey {
  readonly field: 'supersededAt' | 'step' | 'attempt' | 'seq';
  /** `null`: rows without a value come first. `highest`: descending. */
  readonly first: 'null' | 'highest';
}

/**
 * The order of one operation's checkpoints: its line, newest first, then what it has left behind by going on from an
 * earlier step. `inOrder` and the ORDER BY of the store are made from it.
 */
export const CHECKPOINT_ORDER: readonly OrderKey[] = [
  { field: 'supersededAt', first: 'null' },
  { field: 'step', first: 'highest' },
  { field: 'attempt', first: 'highest' },
  { field: 'seq', first: 'highest' },
];

/** Compares two checkpoints of one operation. */
export function inOrder(a: Pick<Checkpoint, OrderKey['field']>, b: Pick<Checkpoint, OrderKey['field']>): number {
  for (const { field, first } of CHECKPOINT_ORDER) {
    const difference =
      first === 'null' ? Number(a[field] !== null) - Number(b[field] !== null) : Number(b[field]) - Number(a[field]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Compares two checkpoints of one operation by when they were saved, newest first. */
export function inSavedOrder(a: Checkpoint, b: Checkpoint): number {
  return b.attempt - a.attempt || b.seq - a.seq || b.createdAt.getTime() - a.createdAt.getTime();
}

/** Not known to be damaged. */
export const isSound = ({ corruptedAt }: Pick<Checkpoint, 'corruptedAt'>) => corruptedAt === null;

/** The latest one: the first sound one, or the first where all are damaged. */
export function latestOf<C extends Pick<Checkpoint, 'corruptedAt'>>(checkpoints: readonly C[]): C | undefined {
  return checkpoints.find(isSound) ?? checkpoints[0];
}

/** The one that was saved at the best epoch so far. */
export function bestOf(checkpoints: readonly Checkpoint[]): Checkpoint | undefined {
  return checkpoints.find(({ isBest }) => isBest);
}

/** The one that holds the result of a completed operation. */
export function finalOf(checkpoints: readonly Checkpoint[]): Checkpoint | undefined {
  return checkpoints.find(({ kind }) => kind === 'final');
}

/**
 * The checkpoints to try, in order: the chosen one, then every later one of the list that is not known to be damaged.
 * Empty when the choice matches none.
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
  return checkpoints.slice(start).filter((checkpoint, index) => index === 0 || isSound(checkpoint));
}

function indexOfChosen(checkpoints: readonly Checkpoint[], choice: CheckpointChoice, trainedSteps: number): number {
  if (choice === 'best') return indexOfBest(checkpoints);
  if (choice === 'latest') return checkpoints.findIndex((each) => isSound(each) || each.step <= trainedSteps);
  const step = stepOf(choice);
  return step === null ? checkpoints.findIndex(({ id }) => id === choice) : indexOfStep(checkpoints, step);
}

/** The newest sound one of the step; where all of it are damaged, the newest. */
function indexOfStep(checkpoints: readonly Checkpoint[], wanted: number): number {
  const sound = checkpoints.findIndex((each) => each.step === wanted && isSound(each));
  return sound >= 0 ? sound : checkpoints.findIndex(({ step }) => step === wanted);
}

/** The figures that judge a best, and the next one where no checkpoint has the one before. */
const WATCHED = ['val_loss', 'loss'] as const;

/**
 * The newest that was saved at a best epoch. Where none was, the sound one with the lowest watched figure: what its last
 * completed epoch came to. Of equal ones the oldest, for the others have trained on since.
 */
function indexOfBest(checkpoints: readonly Checkpoint[]): number {
  const saved = checkpoints.findIndex(({ isBest }) => isBest);
  if (saved >= 0) return saved;
  for (const name of WATCHED) {
    const judged = checkpoints.flatMap((each, index) => {
      const value = each.metrics[name];
      return isSound(each) && typeof value === 'number' && Number.isFinite(value) ? [{ index, value }] : [];
    });
    const [best] = judged.toSorted((a, b) => a.value - b.value || b.index - a.index);
    if (best) return best.index;
  }
  return -1;
}

/** The steps of sound checkpoints next to a choice's, before and behind it; none where it names no step. */
export function nearestSteps(checkpoints: readonly Checkpoint[], choice: CheckpointChoice): readonly number[] {
  const wanted = stepOf(choice);
  if (wanted === null) return [];
  const steps = checkpoints.filter(isSound).map(({ step }) => step);
  const before = Math.max(...steps.filter((step) => step < wanted));
  const behind = Math.min(...steps.filter((step) => step > wanted));
  return [before, behind].filter(Number.isFinite);
}

export interface StartingPoint {
  readonly checkpoint: Checkpoint | null;
  /** The damaged one that is passed over for it; null: none is. */
  readonly fellBackFrom: string | null;
}

/** What an attempt continues from: what was chosen, else the latest. */
export function startingPoint(
  { resumeCheckpointId, progress }: Operation,
  checkpoints: readonly Checkpoint[],
): StartingPoint {
  const chosen = checkpoints.find(({ id }) => id === resumeCheckpointId);
  if (chosen) return { checkpoint: chosen, fellBackFrom: null };
  const start = latestOf(checkpoints);
  // With only damaged ones left, the restore finds that out and fails the operation; it does not begin again at step 0.
  if (!start || !isSound(start)) return { checkpoint: start ?? null, fellBackFrom: null };
  const [latest] = candidatesFor(checkpoints, 'latest', progress?.step ?? 0);
  return { checkpoint: start, fellBackFrom: latest && latest !== start ? latest.id : null };
}

/** What a restore tries in place of a checkpoint that it found damaged, in order. */
export function fallbacksFor(damaged: Checkpoint, checkpoints: readonly Checkpoint[]): readonly Checkpoint[] {
  return checkpoints.filter((each) => isSound(each) && each.id !== damaged.id && each.step <= damaged.step);
}

/** What the operation continues from: what it was resumed from, unless it is completed, and its latest. */
export function neededBy(
  { status, resumeCheckpointId }: Operation,
  checkpoints: readonly Checkpoint[],
): ReadonlySet<string> {
  const chosen = status === 'completed' ? null : resumeCheckpointId;
  return new Set([chosen, checkpoints.find(isSound)?.id].filter((id) => id != null));
}

/**
 * What a resume would miss without this checkpoint: everything, as it is the only sound one, or the steps down to the
 * next sound one, where newer ones are damaged. Null: nothing.
 */
export function lossWithout(id: string, checkpoints: readonly Checkpoint[]): 'everything' | { steps: number } | null {
  const [latest, next] = checkpoints.filter(isSound);
  if (!latest || (latest.id === id && !next)) return 'everything';
  if (latest.id !== id || !next || checkpoints[0] === latest) return null;
  return { steps: lostSteps(latest.step, next.step) };
}

/** Steps trained so far that a checkpoint does not hold. */
export function lostSteps(trainedSteps: number, checkpointStep: number): number {
  return Math.max(0, trainedSteps - checkpointStep);
}
