import type { TrainingSpec } from '@ktrdr/contracts';
import { afterEpoch, initialSchedule, learningRateAt } from './learning-rate.js';
import { FRESH_PATIENCE, observe, type Patience } from './patience.js';
import { EMPTY_LEDGER } from './sample-ledger.js';
import type { Best, EpochRecord, TrainingState } from './training-state.js';

/** The part of the state that changes while training. Plain data, replaced and never modified. */
export type Progress = Pick<
  TrainingState,
  'position' | 'epoch_so_far' | 'schedule' | 'early_stopping' | 'stopped_early' | 'best' | 'history'
>;

const FRESH_EPOCH: Progress['epoch_so_far'] = { loss_sum: 0, correct: 0, examples: 0, samples_sha256: EMPTY_LEDGER };

export function initialProgress(spec: TrainingSpec): Progress {
  const { plateauRate, plateau } = initialSchedule(spec.optimizer.learning_rate);
  return {
    position: { step: 0, epoch: 0, batch: 0 },
    epoch_so_far: FRESH_EPOCH,
    schedule: { plateau_rate: plateauRate, plateau: toStored(plateau) },
    early_stopping: toStored(FRESH_PATIENCE),
    stopped_early: false,
    best: null,
    history: [],
  };
}

/** What of a saved state goes on changing; always in the same order, so that equal states are equal bytes. */
export function progressOf(state: TrainingState): Progress {
  const { position, epoch_so_far, schedule, early_stopping, stopped_early, best, history } = state;
  return { position, epoch_so_far, schedule, early_stopping, stopped_early, best, history };
}

/** The rate of the epoch that the run is in. */
export function currentLearningRate(spec: TrainingSpec, { position, schedule }: Progress): number {
  return learningRateAt({
    schedule: spec.schedule,
    base: spec.optimizer.learning_rate,
    epoch: position.epoch,
    epochs: spec.epochs,
    state: { plateauRate: schedule.plateau_rate, plateau: fromStored(schedule.plateau) },
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
    position: { ...position, step: position.step + 1, batch: position.batch + 1 },
    epoch_so_far: {
      loss_sum: sums.loss_sum + batch.loss * batch.examples,
      correct: sums.correct + batch.correct,
      examples: sums.examples + batch.examples,
      samples_sha256: batch.ledger,
    },
  };
}

/** Means over the batches of the epoch so far; null before the first. */
export function epochFigures({
  epoch_so_far: sums,
}: Progress): { readonly loss: number; readonly accuracy: number } | null {
  if (sums.examples === 0) return null;
  return { loss: sums.loss_sum / sums.examples, accuracy: sums.correct / sums.examples };
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
  };
  const best: Best = {
    epoch: record.epoch,
    step: record.step,
    ...(validation ? { metric: 'val_loss', value: validation.loss } : { metric: 'loss', value: figures.loss }),
  };
  const isBest = progress.best === null || best.value < progress.best.value;
  const scheduled = afterEpoch(
    spec.schedule,
    { plateauRate: schedule.plateau_rate, plateau: fromStored(schedule.plateau) },
    best.value,
  );
  const patience = spec.early_stopping
    ? observe(fromStored(stopping), best.value, spec.early_stopping.min_delta)
    : FRESH_PATIENCE;
  return {
    record,
    isBest,
    progress: {
      position: { step: position.step, epoch: record.epoch, batch: 0 },
      epoch_so_far: FRESH_EPOCH,
      schedule: { plateau_rate: scheduled.plateauRate, plateau: toStored(scheduled.plateau) },
      early_stopping: toStored(patience),
      stopped_early: spec.early_stopping !== null && patience.epochsWithout >= spec.early_stopping.patience,
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
