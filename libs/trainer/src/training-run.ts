import { createHash } from 'node:crypto';
import type { Metrics } from '@ktrdr/contracts';
import type { TrainingSpec } from '@ktrdr/specs';
import { toMetricValue } from '@ktrdr/contracts';
import type { CheckpointFile } from './checkpointing/checkpoint-files.js';
import type { PreparedDataset } from './data/prepared-dataset.js';
import { CheckpointFileError, TrainerInvariantError, TrainingDivergedError } from './errors.js';
import { epochOrder } from './keyed-random.js';
import { extendLedger, ledgerOf, ledgerOfEpochs, samplesIn } from './state/sample-ledger.js';
import { decodeSafetensors } from './state/safetensors.js';
import type { Backend } from './tensorflow/choose-backend.js';
import { type Evaluation, evaluate, type GoOn } from './tensorflow/evaluation.js';
import { encodeModel, type Network, newNetwork } from './tensorflow/network.js';
import { StatefulOptimizer } from './tensorflow/optimizer.js';
import { gatherBatch, trainStep } from './tensorflow/train-step.js';
import { areFinite, assignVariables, copyVariables, encodeVariables } from './tensorflow/weight-file.js';
import {
  afterBatch,
  afterEpochEnd,
  currentLearningRate,
  epochFigures,
  initialProgress,
  type Progress,
  progressOf,
} from './state/training-progress.js';
import type { TrainingResult } from './state/training-result.js';
import {
  type Best,
  type EpochRecord,
  encodeState,
  STATE_FORMAT_VERSION,
  TRAINER,
  type TrainingState,
} from './state/training-state.js';

/** What a run is made of; the same for every attempt of an operation, but for what a resume overrides in the spec. */
export interface RunSetup {
  readonly spec: TrainingSpec;
  readonly specSha256: string;
  readonly dataset: PreparedDataset;
  readonly backend: Pick<Backend, 'name' | 'version'>;
}

/** `epoch` counts completed epochs, `samples` those of the current one that are consumed. */
export type RunPosition = TrainingState['position'];

/** A copy of the whole state at one position; it does not change when training goes on. */
export interface CapturedState {
  readonly position: RunPosition;
  readonly files: readonly CheckpointFile[];
  readonly metrics: Metrics;
  readonly best: Best | null;
}

/** What a saved run is restored from; the bytes of its files, already checked to belong to the setup. */
export interface RestoredState {
  readonly state: TrainingState;
  readonly weights: Uint8Array;
  readonly optimizer: Uint8Array;
  readonly best: Uint8Array | null;
}

/**
 * One training run that can be captured between any two steps. A run restored from what was captured goes on bit for
 * bit like the original on the same backend, because its state is the tensors and a position: every random number is
 * keyed by the seed and the position. Must be disposed.
 */
export class TrainingRun {
  private readonly network: Network;
  private readonly optimizer: StatefulOptimizer;
  private progress: Progress;
  private order: Uint32Array | null = null;
  private bestWeights: readonly Uint8Array[] | null;
  private readonly modelFile: Uint8Array;

  /** @throws {CheckpointIncompatibleError} when restored tensors do not fit the spec's model. */
  constructor(
    private readonly setup: RunSetup,
    restored: RestoredState | null = null,
  ) {
    const { spec, dataset } = setup;
    this.network = newNetwork(setup, { isBlank: restored !== null });
    this.optimizer = new StatefulOptimizer(spec.optimizer, this.network.weights);
    this.modelFile = encodeModel(this.network, dataset.featureNames);
    this.progress = restored ? progressOf(restored.state, spec) : initialProgress(spec);
    this.bestWeights = restored?.best ? [restored.best] : null;
    if (restored) this.assign(restored);
  }

  get position(): RunPosition {
    return this.progress.position;
  }

  /** Updates so far and those that are still planned, at the batch size of now. */
  get steps(): number {
    const { spec, dataset } = this.setup;
    const { step, epoch, samples } = this.position;
    if (this.isFinished) return step;
    const stepsFor = (count: number) => Math.ceil(count / spec.batch_size);
    return step + stepsFor(dataset.train.count - samples) + stepsFor(dataset.train.count) * (spec.epochs - epoch - 1);
  }

  get parameters(): number {
    return this.network.parameters;
  }

  get isFinished(): boolean {
    return this.progress.stopped_early || this.position.epoch >= this.setup.spec.epochs;
  }

  /** All batches of the epoch are done, its validation is not: the next thing is {@link closeEpoch}, not a step. */
  get isEpochDue(): boolean {
    return !this.isFinished && this.position.samples >= this.setup.dataset.train.count;
  }

  /** Only the validation of the last epoch is left. */
  get isLastStepDone(): boolean {
    return this.isEpochDue && this.position.step >= this.steps;
  }

  /** Mean loss of the epoch so far, else of the last epoch; null before the first step. */
  get loss(): number | null {
    return (epochFigures(this.progress) ?? this.progress.history.at(-1))?.loss ?? null;
  }

  /**
   * Consumes one batch and updates the weights. Returns the number of samples.
   * @throws {TrainingDivergedError} when the loss is no longer a number; the weights are not updated then.
   */
  step(): number {
    const { spec, dataset } = this.setup;
    const { step, epoch, samples: consumed } = this.position;
    this.order ??= epochOrder(spec.seed, epoch, dataset.train.count);
    const samples = this.order.subarray(consumed, consumed + spec.batch_size);
    this.optimizer.learningRate = currentLearningRate(spec, this.progress);
    const figures = trainStep(
      { network: this.network, optimizer: this.optimizer },
      gatherBatch(dataset.train, samples),
      step,
      ({ loss }) => {
        if (!Number.isFinite(loss)) throw new TrainingDivergedError({ step, epoch, figure: 'loss', value: loss });
      },
    );
    const ledger = extendLedger(this.progress.epoch_so_far.samples_sha256, samples);
    this.progress = afterBatch(this.progress, { ...figures, examples: samples.length, ledger });
    return samples.length;
  }

  /**
   * Validates and moves on to the next epoch. Asks `goOn` between chunks; when that says no, nothing has changed, and
   * the answer is null.
   * @throws {TrainingDivergedError} when the validation loss or a weight is no longer a number.
   */
  async closeEpoch(goOn: GoOn): Promise<{ readonly record: EpochRecord; readonly isBest: boolean } | null> {
    const { spec, dataset } = this.setup;
    this.checkLedger();
    const { step, epoch } = this.position;
    if (!areFinite(this.network.weights)) {
      throw new TrainingDivergedError({ step, epoch, figure: 'a weight', value: NaN });
    }
    let validation: Evaluation | null = null;
    if (dataset.validation.count > 0) {
      validation = await evaluate(this.network, dataset.validation, goOn);
      if (!validation) return null;
      if (!Number.isFinite(validation.loss)) {
        throw new TrainingDivergedError({ step, epoch, figure: 'val_loss', value: validation.loss });
      }
    }
    const { progress, record, isBest } = afterEpochEnd(spec, this.progress, validation);
    this.progress = progress;
    this.order = null;
    if (isBest) this.bestWeights = copyVariables(this.network.weights);
    return { record, isBest };
  }

  /** Copies the state out. The only thing that training has to wait for. */
  capture(): CapturedState {
    const { specSha256, dataset, backend, spec } = this.setup;
    const state: TrainingState = {
      ...this.progress,
      format_version: STATE_FORMAT_VERSION,
      trainer: TRAINER,
      backend: { name: backend.name, version: backend.version },
      node: process.version,
      spec_sha256: specSha256,
      data_fingerprint: dataset.fingerprint,
      seed: spec.seed,
    };
    const weights = copyVariables(this.network.weights);
    const optimizer = this.optimizer.copy();
    const model = this.modelFile;
    const { bestWeights: best } = this;
    return {
      position: this.position,
      metrics: this.metrics(),
      best: this.progress.best,
      files: [
        { name: 'model.json', chunks: () => [model] },
        { name: 'weights.safetensors', chunks: () => weights },
        { name: 'optimizer.safetensors', chunks: () => optimizer },
        { name: 'state.json', chunks: () => [encodeState(state)] },
        ...(best ? [{ name: 'best.safetensors', chunks: () => best }] : []),
      ],
    };
  }

  /** The result of a finished run; the test part is judged with the best weights. Leaves the run as it was. */
  async result(goOn: GoOn = () => true): Promise<TrainingResult> {
    const { dataset, backend } = this.setup;
    const { position, history, best, stopped_early } = this.progress;
    const last = history.at(-1);
    if (!last) throw new TrainerInvariantError('A run without a completed epoch has no result', { ...position });
    const weights = encodeVariables(this.network.weights);
    const test = dataset.test.count > 0 ? await this.evaluateTest(weights, goOn) : null;
    return {
      weights_sha256: sha256([weights]),
      best_weights_sha256: this.bestWeights && sha256(this.bestWeights),
      epochs_run: position.epoch,
      steps: position.step,
      stopped_early,
      final: { loss: last.loss, accuracy: last.accuracy, val_loss: last.val_loss, val_accuracy: last.val_accuracy },
      best,
      test: test && { weights: this.bestWeights ? 'best' : 'final', ...test },
      backend: { name: backend.name, version: backend.version },
      data_fingerprint: dataset.fingerprint,
      ledger_sha256: ledgerOfEpochs(history.map(({ samples_sha256 }) => samples_sha256)),
    };
  }

  dispose(): void {
    this.optimizer.dispose();
    this.network.dispose();
  }

  private assign({ state, weights, optimizer }: RestoredState): void {
    try {
      assignVariables(this.network.weights, decodeSafetensors(weights, 'weights.safetensors'), 'weights.safetensors');
      this.optimizer.restore(optimizer);
      if (this.optimizer.iterations !== state.position.step) {
        throw new CheckpointFileError('optimizer.safetensors', `it is of step ${this.optimizer.iterations}`);
      }
      const { batches, samples_sha256: consumed } = state.epoch_so_far;
      if (samplesIn(batches) !== state.position.samples || this.ledger() !== consumed) {
        throw new CheckpointFileError('state.json', 'its sample ledger is not that of its position');
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** The ledger that the current position must have: over the keyed order, drawn afresh. */
  private ledger(): string {
    const { spec, dataset } = this.setup;
    const order = epochOrder(spec.seed, this.position.epoch, dataset.train.count);
    return ledgerOf(order, this.progress.epoch_so_far.batches);
  }

  private checkLedger(): void {
    const { samples_sha256: consumed, batches } = this.progress.epoch_so_far;
    const expected = this.ledger();
    if (consumed === expected && samplesIn(batches) === this.setup.dataset.train.count) return;
    throw new TrainerInvariantError(`Epoch ${this.position.epoch + 1} did not consume each of its samples once`, {
      consumed,
      expected,
    });
  }

  private async evaluateTest(weights: Uint8Array, goOn: GoOn): Promise<Evaluation | null> {
    const assign = (bytes: Uint8Array, file: string) =>
      assignVariables(this.network.weights, decodeSafetensors(bytes, file), file);
    if (this.bestWeights) assign(Buffer.concat(this.bestWeights), 'best.safetensors');
    try {
      return await evaluate(this.network, this.setup.dataset.test, goOn);
    } finally {
      assign(weights, 'weights.safetensors');
    }
  }

  private metrics(): Metrics {
    const last = this.progress.history.at(-1);
    const figures = last
      ? { loss: last.loss, accuracy: last.accuracy, val_loss: last.val_loss, val_accuracy: last.val_accuracy }
      : epochFigures(this.progress);
    const entries = Object.entries({ ...figures, learning_rate: currentLearningRate(this.setup.spec, this.progress) });
    return Object.fromEntries(
      entries.flatMap(([name, value]) => (value === null ? [] : [[name, toMetricValue(value)]])),
    );
  }
}

function sha256(chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
