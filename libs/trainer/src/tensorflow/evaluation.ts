import * as tf from '@tensorflow/tfjs-core';
import type { DatasetPart } from '../data/prepared-dataset.js';
import { crossEntropyOf, isCorrect } from './binary-cross-entropy.js';
import type { Network } from './network.js';

export interface Confusion {
  readonly true_positive: number;
  readonly false_positive: number;
  readonly true_negative: number;
  readonly false_negative: number;
}

/** `loss` is cross-entropy plus the model's l2 penalty, as in training. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
  readonly count: number;
  readonly confusion: Confusion;
}

/** Asked between two chunks; false gives up. A place to let the event loop run. */
export type GoOn = () => boolean | Promise<boolean>;

const CHUNK = 256;

/**
 * The model's figures over a part, in its order, changing nothing. Asks between chunks whether to give up, and then
 * answers null.
 */
export async function evaluate(network: Network, part: DatasetPart, goOn: GoOn): Promise<Evaluation | null> {
  const width = part.inputs.length / part.count;
  const [window, features] = network.sampleShape;
  let loss = 0;
  const seen = { hits: 0, ones: 0, predictedOnes: 0 };
  for (let first = 0; first < part.count; first += CHUNK) {
    if (!(await goOn())) return null;
    const last = Math.min(first + CHUNK, part.count);
    const inputs = part.inputs.subarray(first * width, last * width);
    const logits = tf.tidy(() =>
      network.logits(tf.tensor3d(inputs, [last - first, window, features]), null).dataSync(),
    );
    logits.forEach((logit, index) => {
      const label = part.labels[first + index]!;
      loss += crossEntropyOf(logit, label);
      if (logit > 0) seen.predictedOnes += 1;
      if (label > 0.5) seen.ones += 1;
      if (isCorrect(logit, label) && label > 0.5) seen.hits += 1;
    });
  }
  const penalty = tf.tidy(() => network.penalty()?.dataSync()[0] ?? 0);
  return toEvaluation(loss / part.count + penalty, part.count, seen);
}

function toEvaluation(
  loss: number,
  count: number,
  { hits, ones, predictedOnes }: { readonly hits: number; readonly ones: number; readonly predictedOnes: number },
): Evaluation {
  const confusion = {
    true_positive: hits,
    false_positive: predictedOnes - hits,
    true_negative: count - ones - predictedOnes + hits,
    false_negative: ones - hits,
  };
  return { loss, accuracy: (confusion.true_positive + confusion.true_negative) / count, count, confusion };
}
