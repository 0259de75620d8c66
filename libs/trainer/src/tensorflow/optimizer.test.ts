import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers the gradients
import { CheckpointIncompatibleError } from '../errors.js';
import { tinySpec } from '../testing/tiny-dataset.js';
import { findBackends } from './find-backends.js';
import type { Weight } from './network.js';
import { StatefulOptimizer } from './optimizer.js';

const SPECS = [
  { kind: 'sgd', learning_rate: 0.1 },
  { kind: 'momentum', learning_rate: 0.1, nesterov: true },
  { kind: 'rmsprop', learning_rate: 0.01 },
  { kind: 'adam', learning_rate: 0.01 },
].map((optimizer) => tinySpec({ optimizer }).optimizer);

const START = [0.5, -1.25, 3];

function weightOf(values: number[] | Float32Array): Weight {
  return { name: 'w', variable: tf.tidy(() => tf.variable(tf.tensor1d(values))), isTrainable: true };
}

const LEAST_NORMAL = 2 ** -126;
const isSubnormal = (value: number): boolean => value !== 0 && Math.abs(value) < LEAST_NORMAL;

function update(optimizer: StatefulOptimizer, { variable }: Weight, times: number): void {
  for (let time = 0; time < times; time += 1) {
    tf.tidy(() => optimizer.apply(tf.variableGrads(() => tf.sum(tf.square(variable)), optimizer.variables).grads));
  }
}

beforeAll(async () => {
  await findBackends();
});

describe.each(['cpu', 'wasm'])('an optimizer on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(SPECS)('goes on from its restored state exactly: $kind', (spec) => {
    const weight = weightOf(START);
    const optimizer = new StatefulOptimizer(spec, [weight]);
    update(optimizer, weight, 23);
    const state = Buffer.concat(optimizer.copy());
    const other = weightOf(weight.variable.dataSync<'float32'>().slice());
    const restored = new StatefulOptimizer(spec, [other]);
    restored.restore(state);
    expect(Buffer.concat(restored.copy())).toEqual(state);
    update(optimizer, weight, 40);
    update(restored, other, 40);
    expect(other.variable.dataSync()).toEqual(weight.variable.dataSync());
    expect(Buffer.concat(restored.copy())).toEqual(Buffer.concat(optimizer.copy()));
    expect(restored.iterations).toBe(63);
    for (const one of [optimizer, restored, weight.variable, other.variable]) one.dispose();
  });

  it('updates like the optimizer of TensorFlow.js that it wraps', () => {
    const weight = weightOf(START);
    const optimizer = new StatefulOptimizer(tinySpec({ optimizer: { kind: 'adam', learning_rate: 0.01 } }).optimizer, [
      weight,
    ]);
    update(optimizer, weight, 10);
    const plain = tf.variable(tf.tensor1d(START));
    const adam = new tf.AdamOptimizer(0.01, 0.9, 0.999, 1e-7);
    for (let time = 0; time < 10; time += 1) adam.minimize(() => tf.sum(tf.square(plain)), false, [plain]);
    expect(weight.variable.dataSync()).toEqual(plain.dataSync());
    for (const one of [optimizer, adam, weight.variable, plain]) one.dispose();
  });

  it.each([
    ['adam', () => new tf.AdamOptimizer(0.01, 0.9, 0.999, 1e-7)],
    ['momentum', () => new tf.MomentumOptimizer(0.01, 0.9)],
    ['rmsprop', () => new tf.RMSPropOptimizer(0.01, 0.9, 0, 1e-7)],
  ] as const)(
    'keeps no subnormal moments of what has fallen silent, and comes to the same weights: %s',
    (kind, newPlain) => {
      const { optimizer: spec } = tinySpec({ optimizer: { kind, learning_rate: 0.01 } });
      const plain = newPlain();
      const weight = weightOf(START);
      const other = tf.variable(tf.tensor1d(START));
      const optimizer = new StatefulOptimizer(spec, [weight]);
      // The first of the weights has a gradient in the first ten steps only.
      const loss = (variable: tf.Variable, time: number): tf.Scalar =>
        tf.sum(tf.mul(tf.square(variable), [time < 10 ? 1 : 0, 1, 0.5]));
      for (let time = 0; time < 1_200; time += 1) {
        tf.tidy(() => optimizer.apply(tf.variableGrads(() => loss(weight.variable, time), optimizer.variables).grads));
        plain.minimize(() => loss(other, time), false, [other]);
      }
      expect(weight.variable.dataSync()).toEqual(other.dataSync());
      const [first] = optimizer.slots;
      expect(first?.variable.dataSync()[0]).toBe(0);
      const moments = optimizer.slots.filter(({ name }) => name.includes(':'));
      expect(moments.flatMap(({ variable }) => [...variable.dataSync()]).filter(isSubnormal)).toEqual([]);
      for (const one of [optimizer, plain, weight.variable, other]) one.dispose();
    },
  );

  it('keeps even the smallest moments where epsilon is so small that they count', () => {
    const weight = weightOf(START);
    const { optimizer: spec } = tinySpec({ optimizer: { kind: 'adam', learning_rate: 0.01, epsilon: 1e-30 } });
    const optimizer = new StatefulOptimizer(spec, [weight]);
    const loss = (time: number) => tf.mul(tf.sum(tf.square(weight.variable)), time < 10 ? 1 : 0) as tf.Scalar;
    for (let time = 0; time < 896; time += 1)
      tf.tidy(() => optimizer.apply(tf.variableGrads(() => loss(time), optimizer.variables).grads));
    const [first] = optimizer.slots;
    expect(first?.variable.dataSync().every(isSubnormal)).toBe(true);
    for (const one of [optimizer, weight.variable]) one.dispose();
  });
});

it.each(SPECS)('changes the learning rate without touching the state: $kind', (spec) => {
  const before = tf.memory().numTensors;
  const weight = weightOf(START);
  const optimizer = new StatefulOptimizer(spec, [weight]);
  update(optimizer, weight, 3);
  const state = Buffer.concat(optimizer.copy());
  const alive = tf.memory().numTensors;
  optimizer.learningRate = 0;
  expect(optimizer.learningRate).toBe(0);
  expect(Buffer.concat(optimizer.copy())).toEqual(state);
  expect(tf.memory().numTensors).toBe(alive);
  const values = weight.variable.dataSync().slice();
  update(optimizer, weight, 1);
  expect(weight.variable.dataSync()).toEqual(values);
  optimizer.dispose();
  weight.variable.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('refuses the state of another kind of optimizer', () => {
  const weight = weightOf(START);
  const [sgd, , , adam] = SPECS.map((spec) => new StatefulOptimizer(spec, [weight]));
  expect(() => adam!.restore(Buffer.concat(sgd!.copy()))).toThrow(CheckpointIncompatibleError);
  expect(() => sgd!.restore(Buffer.concat(adam!.copy()))).toThrow(CheckpointIncompatibleError);
});
