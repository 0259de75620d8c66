import type { TrainingSpec } from '@ktrdr/specs';
import {
  afterEpoch,
  initialSchedule,
  learningRateAt,
  type ScheduleState,
  withBaseRate,
} from '../schedule/learning-rate.js';
import { FRESH_PATIENCE, observe, type Patience } from '../schedule/early-stopping.js';
import { EMPTY_LEDGER, withBatch } from './sample-ledger.js';
import type { Best, EpochRecord, TrainingState } from './training-state.js';

/** The part of the state that changes while training. Plain data, replaced and never modified. */
export type Progress = Pick<
  TrainingState,
  'position' | 'epoch_so_far' | 'schedule' | 'early_stopping' | 'stopped_early' | 'best' | 'history'
>;

const FRESH_EPOCH: Progress['epoch_so_far'] = { loss_sum: 0, correct: 0, batches: [], samples_sha256: EMPTY_LEDGER };

export function initialProgress(spec: TrainingSpec): Progress {
  return {
    position: { step: 0, epoch: 0, samples: 0 },
    epoch_so_far: FRESH_EPOCH,
    schedule: toStoredSchedule(initialSchedule(spec.optimizer.learning_rate)),
    early_stopping: toStored(FRESH_PATIENCE),
    stopped_early: false,
    best: null,
    history: [],
  };
}

/**
 * What of a saved state goes on changing; always in the same order, so that equal states are equal bytes. Where the spec
 * is no longer the one that the state was saved under, the state is as that spec wants it:
 *
 * - Learning rate: see {@link withBaseRate}.
 * - Early stopping that is new waits from now on, with the best epoch so far to beat. Changed, it keeps its best and its
 *   wait, so with less patience than it has already waited the run is finished, and with more a finished one goes on.
 *   Removed, it is forgotten.
 */
export function progressOf(state: TrainingState, spec: TrainingSpec): Progress {
  const { position, epoch_so_far, best, history } = state;
  const schedule = withBaseRate(spec.schedule, fromStoredSchedule(state.schedule), spec.optimizer.learning_rate);
  const patience = continuedPatience(spec, state);
  return {
    position,
    epoch_so_far,
    schedule: toStoredSchedule(schedule),
    early_stopping: toStored(patience),
    stopped_early: isOutOfPatience(spec, patience),
    best,
    history,
  };
}

function continuedPatience(spec: TrainingSpec, { early_stopping, best }: TrainingState): Patience {
  if (!spec.early_stopping) return FRESH_PATIENCE;
  const patience = fromStored(early_stopping);
  const isNew = patience.best === Infinity && patience.epochsWithout === 0;
  return isNew && best ? { best: best.value, epochsWithout: 0 } : patience;
}

function isOutOfPatience({ early_stopping }: TrainingSpec, { epochsWithout }: Patience): boolean {
  return early_stopping !== null && epochsWithout >= early_stopping.patience;
}

/** The rate of the epoch that the run is in. */
export function currentLearningRate(spec: TrainingSpec, { position, schedule }: Progress): number {
  return learningRateAt({
    schedule: spec.schedule,
    base: spec.optimizer.learning_rate,
    epoch: position.epoch,
    epochs: spec.epochs,
    state: fromStoredSchedule(schedule),
  });
}

/** After one more batch. */
export function afterBatch(
  progress: Progress,
  batch: { readonly loss: number; readonly correct: number; readonly examples: number; readonly ledger: string },
): Progress {
  const { position, epoch_so_far: sums } = progress;
  return {
    ...progress,
    position: { ...position, step: position.step + 1, samples: position.samples + batch.examples },
    epoch_so_far: {
      loss_sum: sums.loss_sum + batch.loss * batch.examples,
      correct: sums.correct + batch.correct,
      batches: withBatch(sums.batches, batch.examples),
      samples_sha256: batch.ledger,
    },
  };
}

/** Means over the batches of the epoch so far; null before the first. */
export function epochFigures({
  position: { samples },
  epoch_so_far: sums,
}: Progress): { readonly loss: number; readonly accuracy: number } | null {
  if (samples === 0) return null;
  return { loss: sums.loss_sum / samples, accuracy: sums.correct / samples };
}

/** After the last batch of an epoch and its validation: history, best, schedule and early stopping moved on. */
export function afterEpochEnd(
  spec: TrainingSpec,
  progress: Progress,
  validation: { readonly loss: number; readonly accuracy: number } | null,
): { readonly progress: Progress; readonly record: EpochRecord; readonly isBest: boolean } {
  const { position, schedule, early_stopping: stopping } = progress;
  const figures = epochFigures(progress) ?? { loss: NaN, accuracy: NaN };
  const record: EpochRecord = {
    epoch: position.epoch + 1,
    step: position.step,
    ...figures,
    val_loss: validation?.loss ?? null,
    val_accuracy: validation?.accuracy ?? null,
    learning_rate: currentLearningRate(spec, progress),
    samples_sha256: progress.epoch_so_far.samples_sha256,
    batches: progress.epoch_so_far.batches,
  };
  const best: Best = {
    epoch: record.epoch,
    step: record.step,
    ...(validation ? { metric: 'val_loss', value: validation.loss } : { metric: 'loss', value: figures.loss }),
  };
  const isBest = progress.best === null || best.value < progress.best.value;
  const scheduled = afterEpoch(spec.schedule, fromStoredSchedule(schedule), best.value);
  const patience = spec.early_stopping
    ? observe(fromStored(stopping), best.value, spec.early_stopping.min_delta)
    : FRESH_PATIENCE;
  return {
    record,
    isBest,
    progress: {
      position: { step: position.step, epoch: record.epoch, samples: 0 },
      epoch_so_far: FRESH_EPOCH,
      schedule: toStoredSchedule(scheduled),
      early_stopping: toStored(patience),
      stopped_early: isOutOfPatience(spec, patience),
      best: isBest ? best : progress.best,
      history: [...progress.history, record],
    },
  };
}

function toStored({ best, epochsWithout }: Patience): TrainingState['early_stopping'] {
  return { best, epochs_without: epochsWithout };
}

function fromStored({ best, epochs_without }: TrainingState['early_stopping']): Patience {
  return { best, epochsWithout: epochs_without };
}

function toStoredSchedule({ baseRate, plateauRate, plateau }: ScheduleState): TrainingState['schedule'] {
  return { base_rate: baseRate, plateau_rate: plateauRate, plateau: toStored(plateau) };
}

function fromStoredSchedule({ base_rate, plateau_rate, plateau }: TrainingState['schedule']): ScheduleState {
  return { baseRate: base_rate, plateauRate: plateau_rate, plateau: fromStored(plateau) };
}
