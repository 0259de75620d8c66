import type { TrainingSpec } from '@ktrdr/specs';
import { afterEpoch, initialSchedule, learningRateAt, withBaseRate } from '../schedule/learning-rate.js';
import { continuedPatience, FRESH_PATIENCE, isOutOfPatience, observe } from '../schedule/early-stopping.js';
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
    schedule: initialSchedule(spec.optimizer.learning_rate),
    early_stopping: FRESH_PATIENCE,
    stopped_early: false,
    best: null,
    history: [],
  };
}

/**
 * The changing part of a saved state, always in the same order, so that equal states are equal bytes. Where the spec is
 * no longer the one that the state was saved under, see {@link withBaseRate} and {@link continuedPatience}.
 */
export function progressOf(state: TrainingState, spec: TrainingSpec): Progress {
  const { position, epoch_so_far, best, history } = state;
  const schedule = withBaseRate(spec.schedule, state.schedule, spec.optimizer.learning_rate);
  const patience = continuedPatience(spec, state.early_stopping, best);
  return {
    position,
    epoch_so_far,
    schedule,
    early_stopping: patience,
    stopped_early: isOutOfPatience(spec, patience),
    best,
    history,
  };
}

/** The rate of the epoch that the run is in. */
export function currentLearningRate(spec: TrainingSpec, { position, schedule }: Progress): number {
  return learningRateAt({
    schedule: spec.schedule,
    base: spec.optimizer.learning_rate,
    epoch: position.epoch,
    epochs: spec.epochs,
    state: schedule,
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
  const scheduled = afterEpoch(spec.schedule, schedule, best.value);
  const patience = spec.early_stopping ? observe(stopping, best.value, spec.early_stopping.min_delta) : FRESH_PATIENCE;
  return {
    record,
    isBest,
    progress: {
      position: { step: position.step, epoch: record.epoch, samples: 0 },
      epoch_so_far: FRESH_EPOCH,
      schedule: scheduled,
      early_stopping: patience,
      stopped_early: isOutOfPatience(spec, patience),
      best: isBest ? best : progress.best,
      history: [...progress.history, record],
    },
  };
}
