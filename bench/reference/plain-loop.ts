import { TrainingSpec } from '@ktrdr/specs';
import { chooseBackend, findBackends, prepareDataset } from '@ktrdr/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';

export const PLAIN_REFERENCE = 'plain TensorFlow.js loop';

/** Steps of a training, the first not included. */
export type StepRange = Readonly<{ from: number; to: number }>;

/** A model in the middle of its training. */
export type PlainLoop = Readonly<{
  /** Goes on training for so long; how many steps it has made by then, since its beginning. */
  trainFor(seconds: number): number;
  /** Milliseconds a step within these, counted from its beginning: it goes on to the first of them, and then to the last. */
  stepMs(steps: StepRange): number;
  dispose(): void;
}>;

/** Samples that are evaluated at once. */
const CHUNK = 256;

/**
 * The training loop as one writes it by hand: same data, layers, loss, optimizer and batches, the validation at the end of
 * each epoch, nothing saved, nobody told.
 */
export async function startPlainLoop(document: unknown, dataFile: string): Promise<PlainLoop> {
  const spec = TrainingSpec.parse(document);
  await chooseBackend(await findBackends(), { requested: 'wasm', checkpoint: null, tryModel: () => undefined });
  const { train, validation, featureNames, window } = await prepareDataset(spec, dataFile);
  const model = sequential();
  model.add(layers.flatten({ inputShape: [window, featureNames.length] }));
  for (const layer of spec.model.layers) {
    if (layer.kind !== 'dense') throw new Error(`The plain loop has no ${layer.kind}.`);
    model.add(layers.dense({ units: layer.units, activation: layer.activation }));
  }
  model.add(layers.dense({ units: 1 }));
  const optimizer = tf.train.adam(0.001);
  const width = window * featureNames.length;
  const slice = (part: typeof train, first: number, count: number) => ({
    inputs: tf.tensor3d(part.inputs.slice(first * width, (first + count) * width), [
      count,
      window,
      featureNames.length,
    ]),
    labels: tf.tensor2d(part.labels.slice(first, first + count), [count, 1]),
  });
  const lossOf = ({ inputs, labels }: ReturnType<typeof slice>, training: boolean) =>
    tf.losses.sigmoidCrossEntropy(labels, model.apply(inputs, { training }) as tf.Tensor) as tf.Scalar;
  const size = spec.batch_size;
  const batches = Math.floor(train.count / size);
  const step = (batch: number): void =>
    tf.tidy(() => {
      const batchOf = slice(train, batch * size, size);
      optimizer.minimize(() => lossOf(batchOf, true), true)?.dataSync();
    });
  const validate = (): void => {
    for (let first = 0; first < validation.count; first += CHUNK) {
      const count = Math.min(CHUNK, validation.count - first);
      tf.tidy(() => lossOf(slice(validation, first, count), false).dataSync());
    }
  };
  let steps = 0;
  const next = (): void => {
    step(steps % batches);
    steps += 1;
    if (steps % batches === 0) validate();
  };
  return {
    trainFor(seconds) {
      const startedAt = performance.now();
      while (performance.now() - startedAt < seconds * 1000) next();
      return steps;
    },
    stepMs({ from, to }) {
      if (steps > from) throw new Error(`The plain loop is at step ${steps} and cannot be measured from step ${from}.`);
      while (steps < from) next();
      const startedAt = performance.now();
      while (steps < to) next();
      return (performance.now() - startedAt) / (to - from);
    },
    dispose() {
      model.dispose();
      optimizer.dispose();
    },
  };
}
