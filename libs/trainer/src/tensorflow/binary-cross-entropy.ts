import * as tf from '@tensorflow/tfjs-core';

/**
 * Mean binary cross-entropy of logits, both [batch, 1], never overflowing: max(x, 0) − x·z + ln(1 + e^−|x|).
 * The gradient is given directly, (σ(x) − z) / batch: exact at x = 0 too, where the formula's own has a kink.
 */
export function binaryCrossEntropy(labels: tf.Tensor2D, logits: tf.Tensor2D): tf.Scalar {
  const loss = tf.customGrad((x, save) => {
    const logit = x as tf.Tensor;
    (save as tf.GradSaveFunc)([logit, labels]);
    const value = tf.mean(
      tf.add(tf.sub(tf.relu(logit), tf.mul(logit, labels)), tf.log1p(tf.exp(tf.neg(tf.abs(logit))))),
    );
    const gradFunc = (dy: tf.Tensor, [saved, truth]: tf.Tensor[]) =>
      tf.mul(dy, tf.div(tf.sub(tf.sigmoid(saved!), truth!), logit.size));
    return { value, gradFunc };
  });
  return loss(logits) as tf.Scalar;
}

/** The same for one sample, in float64. `label` is 0 or 1. */
export function crossEntropyOf(logit: number, label: number): number {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
}

/** Whether the sign of the logit is the label: probability above one half means 1. */
export function isCorrect(logit: number, label: number): boolean {
  return logit > 0 === label > 0.5;
}
