import * as tf from '@tensorflow/tfjs-core';
import { binaryCrossEntropy, isCorrect } from './binary-cross-entropy.js';
import type { Network } from './network.js';
import type { StatefulOptimizer } from './optimizer.js';

export interface Batch {
  /** [count, window, features] row-major. */
  readonly inputs: Float32Array;
  readonly labels: Float32Array;
}

export interface StepFigures {
  /** Mean over the batch, with the l2 penalty; measured before the update. */
  readonly loss: number;
  readonly correct: number;
}

/**
 * One optimizer update. Makes no tensor that outlives it.
 * @param step keys the dropout masks: the number of updates before this one.
 * @param accept is given the figures before the update; what it throws prevents the update.
 */
export function trainStep(
  { network, optimizer }: { readonly network: Network; readonly optimizer: StatefulOptimizer },
  { inputs, labels }: Batch,
  step: number,
  accept: (figures: StepFigures) => void,
): StepFigures {
  const [window, features] = network.sampleShape;
  let logits: tf.Tensor2D | null = null;
  try {
    return tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => {
        logits = tf.keep(network.logits(tf.tensor3d(inputs, [labels.length, window, features]), step));
        const loss = binaryCrossEntropy(tf.tensor2d(labels, [labels.length, 1]), logits);
        const penalty = network.penalty();
        return penalty ? tf.add(loss, penalty) : loss;
      }, optimizer.variables);
      let correct = 0;
      logits!.dataSync().forEach((logit, index) => {
        if (isCorrect(logit, labels[index]!)) correct += 1;
      });
      const figures = { loss: value.dataSync()[0]!, correct };
      accept(figures);
      optimizer.apply(grads);
      return figures;
    });
  } finally {
    (logits as tf.Tensor2D | null)?.dispose();
  }
}

/** Copies the chosen samples of a part, in the given order. */
export function gatherBatch(
  part: { readonly count: number; readonly inputs: Float32Array; readonly labels: Float32Array },
  samples: Uint32Array,
): Batch {
  const width = part.inputs.length / part.count;
  const inputs = new Float32Array(samples.length * width);
  const labels = new Float32Array(samples.length);
  samples.forEach((sample, index) => {
    inputs.set(part.inputs.subarray(sample * width, (sample + 1) * width), index * width);
    labels[index] = part.labels[sample]!;
  });
  return { inputs, labels };
}
