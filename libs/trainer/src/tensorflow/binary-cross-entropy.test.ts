import * as tf from '@tensorflow/tfjs-core';
import { binaryCrossEntropy, crossEntropyOf, isCorrect } from './binary-cross-entropy.js';
import { findBackends } from './find-backends.js';

const LOGITS = [-200, -3, -0.5, 0, 0.5, 3, 200];
const LABELS = [1, 0, 1, 1, 0, 1, 0];

beforeAll(async () => {
  await findBackends();
});

describe.each(['cpu', 'wasm'])('binary cross-entropy on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is the mean of the samples’ own and never overflows', () => {
    const loss = tf.tidy(
      () => binaryCrossEntropy(tf.tensor2d(LABELS, [7, 1]), tf.tensor2d(LOGITS, [7, 1])).dataSync()[0]!,
    );
    const expected = LOGITS.reduce((sum, logit, index) => sum + crossEntropyOf(logit, LABELS[index]!), 0) / 7;
    expect(loss).toBeCloseTo(expected, 4);
    expect(crossEntropyOf(1, 1)).toBeCloseTo(-Math.log(1 / (1 + Math.exp(-1))), 12);
  });

  it('has the gradient (σ(x) − z) / batch, at zero too', () => {
    const gradient = tf.tidy(() => {
      const labels = tf.tensor2d(LABELS, [7, 1]);
      return [
        ...tf
          .grad((x) => binaryCrossEntropy(labels, x as tf.Tensor2D))(tf.tensor2d(LOGITS, [7, 1]))
          .dataSync(),
      ];
    });
    LOGITS.forEach((logit, index) => {
      expect(gradient[index]).toBeCloseTo((1 / (1 + Math.exp(-logit)) - LABELS[index]!) / 7, 5);
    });
  });
});

it('counts a sample as correct when the sign of its logit is its label', () => {
  expect([isCorrect(0.1, 1), isCorrect(-0.1, 0), isCorrect(0, 0)]).toEqual([true, true, true]);
  expect([isCorrect(0.1, 0), isCorrect(-0.1, 1), isCorrect(NaN, 1)]).toEqual([false, false, false]);
});
