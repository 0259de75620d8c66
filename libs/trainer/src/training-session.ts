import { TrainingSpec } from '@ktrdr/specs';
import type { FailpointName, Failpoints } from '@ktrdr/failpoints';
import { type PreparedDataset, prepareDataset } from './data/prepared-dataset.js';
import { parseSpec, type StartControl } from './control-queue.js';
import { assertContinues, readRestorePoint } from './state/restore-point.js';
import { type Backend, chooseBackend } from './tensorflow/choose-backend.js';
import type { FoundBackend } from './tensorflow/found-backend.js';
import { modelSize, newNetwork } from './tensorflow/network.js';
import { StatefulOptimizer } from './tensorflow/optimizer.js';
import { gatherBatch, trainStep } from './tensorflow/train-step.js';
import { type LoopOutcome, type LoopPorts, train } from './training-loop.js';
import { type RunSetup, TrainingRun } from './training-run.js';

/** What training needs from its process. The spool directory comes with the start. */
export interface TrainingPorts extends Omit<LoopPorts, 'spoolDir' | 'reach'> {
  readonly backends: readonly FoundBackend[];
  readonly failpoints: Failpoints;
}

/**
 * Serves the `start` of a training: reads the data, builds or restores the run, trains, and reports everything through
 * `emit`.
 * @throws {DomainError} for whatever makes it fail.
 */
export async function runTraining(start: StartControl, ports: TrainingPorts): Promise<LoopOutcome> {
  const spec = parseSpec(TrainingSpec, start.spec);
  const dataset = await prepareDataset(spec, start.data_file);
  const restored = start.resume && (await readRestorePoint(start.resume.dir));
  const backend = await chooseBackend(ports.backends, {
    requested: spec.backend,
    checkpoint: restored?.state.backend.name ?? null,
    mayChange: start.allow_backend_change ?? false,
    size: sizeOf(spec, dataset),
    tryModel: () => tryModel(spec, dataset),
  });
  const setup: RunSetup = { spec, specSha256: start.spec_sha256, dataset, backend };
  if (restored && start.resume) {
    assertContinues(restored, setup, {
      expected: start.resume,
      acceptedSpecSha256: start.accepted_spec_sha256,
      allowBackendChange: start.allow_backend_change ?? false,
    });
  }
  const run = new TrainingRun(setup, restored);
  try {
    announce(run, { spec, dataset, backend }, ports);
    const plan = { epochs: spec.epochs, checkpoint: spec.checkpoint, attempt: start.attempt };
    const reach = (point: FailpointName) => ports.failpoints.reach(point, start.operation_id);
    return await train(run, plan, { ...ports, spoolDir: start.spool_dir, reach });
  } finally {
    run.dispose();
  }
}

function announce(
  run: TrainingRun,
  about: {
    readonly spec: TrainingSpec;
    readonly dataset: PreparedDataset;
    readonly backend: Backend;
  },
  { emit }: TrainingPorts,
): void {
  const { spec, dataset, backend } = about;
  const { step, epoch } = run.position;
  emit({
    type: 'started',
    step,
    epoch,
    steps: run.steps,
    epochs: spec.epochs,
    backend: backend.name,
    backend_version: backend.version,
    backend_reason: backend.reason,
    data_fingerprint: dataset.fingerprint,
    parameters: run.parameters,
  });
}

function sizeOf(spec: TrainingSpec, { window, featureNames }: PreparedDataset) {
  return modelSize({ layers: spec.model.layers, window, features: featureNames.length, batchSize: spec.batch_size });
}

/** One update of a throw-away model on the active backend, which throws when an operation is missing. */
function tryModel(spec: TrainingSpec, dataset: PreparedDataset): void {
  const network = newNetwork({ spec, dataset });
  const optimizer = new StatefulOptimizer(spec.optimizer, network.weights);
  try {
    const samples = Uint32Array.from({ length: Math.min(2, dataset.train.count) }, (_, index) => index);
    trainStep({ network, optimizer }, gatherBatch(dataset.train, samples), 0, () => undefined);
  } finally {
    optimizer.dispose();
    network.dispose();
  }
}
