import { TrainingSpec } from '@ktrdr/contracts';
import { chooseBackend, loadBackends, prepareDataset } from '@ktrdr/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';

export const PLAIN_REFERENCE = 'plain TensorFlow.js loop';

/**
 * The training loop as one writes it by hand: same data, layers, loss, optimizer and batches, nothing saved, nobody told.
 * @returns steps a second over `seconds`.
 */
export async function plainStepsPerSecond(document: unknown, dataFile: string, seconds: number): Promise<number> {
  const spec = TrainingSpec.parse(document);
  await chooseBackend(await loadBackends(), { requested: 'wasm', checkpoint: null, tryModel: () => undefined });
  const { train, featureNames, window } = await prepareDataset(spec, dataFile);
  const model = sequential();
  model.add(layers.flatten({ inputShape: [window, featureNames.length] }));
  for (const layer of spec.model.layers) {
    if (layer.kind !== 'dense') throw new Error(`The plain loop has no ${layer.kind}.`);
    model.add(layers.dense({ units: layer.units, activation: layer.activation }));
  }
  model.add(layers.dense({ units: 1 }));
  const optimizer = tf.train.adam(0.001);
  const width = window * featureNames.length;
  const size = spec.batch_size;
  const batches = Math.floor(train.count / size);
  const step = (n: number): number => {
    const first = (n % batches) * size;
    return tf.tidy(() => {
      const inputs = tf.tensor3d(train.inputs.slice(first * width, (first + size) * width), [
        size,
        window,
        featureNames.length,
      ]);
      const labels = tf.tensor2d(train.labels.slice(first, first + size), [size, 1]);
      const loss = optimizer.minimize(
        () => tf.losses.sigmoidCrossEntropy(labels, model.apply(inputs, { training: true }) as tf.Tensor),
        true,
      );
      return loss?.dataSync()[0] ?? NaN;
    });
  };
  for (let n = 0; n < 5; n += 1) step(n);
  const startedAt = performance.now();
  let steps = 0;
  while (performance.now() - startedAt < seconds * 1000) step((steps += 1));
  const rate = (steps * 1000) / (performance.now() - startedAt);
  model.dispose();
  optimizer.dispose();
  return rate;
}
