import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { LayerUnsupportedError } from '../errors.js';
import { tinySpec } from '../testing/tiny-dataset.js';
import { findBackends } from './find-backends.js';
import { encodeModel, Network } from './network.js';

const networkOf = (layers: unknown[], window = 3) =>
  new Network({ layers: tinySpec({ model: { layers } }).model.layers, window, features: 2, seed: 5 });

beforeAll(async () => {
  await findBackends();
  await tf.setBackend('cpu');
});

describe('a network', () => {
  it('names its weights after the place of their layer in the spec', () => {
    const network = networkOf([
      { kind: 'lstm', units: 2 },
      { kind: 'dropout', rate: 0.5 },
      { kind: 'batch-norm' },
      { kind: 'dense', units: 4 },
    ]);
    expect(network.weights.map(({ name, isTrainable, variable }) => [name, isTrainable, variable.shape])).toEqual([
      ['layer_0_lstm/kernel', true, [2, 8]],
      ['layer_0_lstm/recurrent_kernel', true, [2, 8]],
      ['layer_0_lstm/bias', true, [8]],
      ['layer_2_batch_norm/gamma', true, [2]],
      ['layer_2_batch_norm/beta', true, [2]],
      ['layer_2_batch_norm/moving_mean', false, [2]],
      ['layer_2_batch_norm/moving_variance', false, [2]],
      ['layer_3_dense/kernel', true, [2, 4]],
      ['layer_3_dense/bias', true, [4]],
      ['output/kernel', true, [4, 1]],
      ['output/bias', true, [1]],
    ]);
    expect(network.parameters).toBe(16 + 16 + 8 + 2 + 2 + 8 + 4 + 4 + 1);
    network.dispose();
  });

  it('starts from the same weights in every instance, with the forget gates open', () => {
    const [one, two] = [networkOf([{ kind: 'lstm', units: 2 }]), networkOf([{ kind: 'lstm', units: 2 }])];
    one.weights.forEach(({ variable }, index) => {
      expect(variable.dataSync()).toEqual(two.weights[index]!.variable.dataSync());
    });
    expect([...one.weights[2]!.variable.dataSync()]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect(new Set(one.weights[0]!.variable.dataSync()).size).toBeGreaterThan(10);
    one.dispose();
    two.dispose();
  });

  it.each([
    ['a dense layer over a window', [{ kind: 'dense', units: 3 }]],
    ['a sequence that meets the output', [{ kind: 'lstm', units: 2, return_sequences: true }]],
    ['dropout first', [{ kind: 'dropout', rate: 0.1 }]],
    ['batch normalisation of a sequence', [{ kind: 'batch-norm' }, { kind: 'lstm', units: 2 }]],
    ['an explicit flatten', [{ kind: 'flatten' }, { kind: 'dense', units: 2, activation: 'selu' }]],
  ])('turns samples into one logit each: %s', (_, layers) => {
    const network = networkOf(layers);
    expect(tf.tidy(() => network.logits(tf.ones([5, 3, 2]), null).shape)).toEqual([5, 1]);
    expect(tf.tidy(() => network.logits(tf.ones([5, 3, 2]), 0).shape)).toEqual([5, 1]);
    network.dispose();
  });

  it('drops by the step when training, and not at all when judging', () => {
    const network = networkOf([{ kind: 'dropout', rate: 0.5 }]);
    const logits = (step: number | null) => tf.tidy(() => [...network.logits(tf.ones([4, 3, 2]), step).dataSync()]);
    expect(logits(7)).toEqual(logits(7));
    expect(logits(7)).not.toEqual(logits(8));
    expect(new Set(logits(null)).size).toBe(1);
    network.dispose();
  });

  it('refuses an lstm after the sequence is gone', () => {
    const layers = [{ kind: 'flatten' as const }, { kind: 'lstm' as const, units: 2, return_sequences: false }];
    expect(() => new Network({ layers, window: 3, features: 2, seed: 1 })).toThrow(LayerUnsupportedError);
  });

  it('writes a topology that TensorFlow.js loads, and that gives the same probabilities with its weights', async () => {
    const network = networkOf([
      { kind: 'dense', units: 3, activation: 'tanh' },
      { kind: 'dropout', rate: 0.5 },
    ]);
    const { modelTopology } = JSON.parse(Buffer.from(encodeModel(network, ['a', 'b'])).toString()) as {
      modelTopology: object;
    };
    const model = await loadLayersModel({ load: () => Promise.resolve({ modelTopology }) });
    model.setWeights(network.weights.map(({ variable }) => variable));
    const inputs = tf.ones([2, 3, 2]);
    const expected = tf.tidy(() => tf.sigmoid(network.logits(inputs, null)).dataSync());
    expect((model.predict(inputs) as tf.Tensor).dataSync()).toEqual(expected);
    model.dispose();
    network.dispose();
    inputs.dispose();
  });
});
