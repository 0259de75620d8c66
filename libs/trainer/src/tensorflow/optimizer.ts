import type { OptimizerSpec } from '@ktrdr/specs';
import * as tf from '@tensorflow/tfjs-core';
import { CheckpointFileError } from '../errors.js';
import { decodeSafetensors } from '../state/safetensors.js';
import type { Weight } from './network.js';
import { assignVariables, copyVariables } from './weight-file.js';

const FILE = 'optimizer.safetensors';
const ITERATIONS = 'iterations';

/** A tensor of the optimizer's own state, named after the weight and the slot: `layer_0_dense/kernel:momentum`. */
export interface Slot {
  readonly name: string;
  readonly variable: tf.Variable;
}

interface SlotVariable {
  originalName: string;
  variable: tf.Variable;
}

/**
 * Where TensorFlow.js 4.22 keeps an optimizer's state. Its own `getWeights` and `setWeights` are not enough: Adam's
 * recompute the accumulated betas with `pow`, which differs from what training had multiplied up.
 */
interface Internals {
  learningRate: number;
  iterations_: number;
  c?: tf.Scalar;
  setLearningRate?(rate: number): void;
  accBeta1?: tf.Variable;
  accBeta2?: tf.Variable;
  [slots: string]: unknown;
}

const SLOTS: Readonly<Record<OptimizerSpec['kind'], readonly { readonly field: string; readonly slot: string }[]>> = {
  sgd: [],
  momentum: [{ field: 'accumulations', slot: 'momentum' }],
  rmsprop: [
    { field: 'accumulatedMeanSquares', slot: 'mean_square' },
    { field: 'accumulatedMoments', slot: 'momentum' },
  ],
  adam: [
    { field: 'accumulatedFirstMoment', slot: 'first_moment' },
    { field: 'accumulatedSecondMoment', slot: 'second_moment' },
  ],
};

/**
 * Moments of units that have fallen silent decay by a factor each update, and end as subnormal numbers, with which a
 * processor computes many times more slowly: a network with two layers of 512 units takes 1.4 times as long from step 800 on.
 * So what is smaller than this is made 0 now and then, soon enough that at usual rates nothing becomes subnormal.
 */
const NEGLIGIBLE = 1e-32;
const CLEARED_EVERY_UPDATES = 64;
/** Beside a smaller epsilon even such a moment could count; from here on it is far beyond a weight's last digit. */
const LEAST_EPSILON = 1e-7;

function mayClear(spec: OptimizerSpec): boolean {
  return !('epsilon' in spec) || spec.epsilon >= LEAST_EPSILON;
}

function clearNegligible(variable: tf.Variable): void {
  tf.tidy(() => variable.assign(tf.where(tf.less(tf.abs(variable), NEGLIGIBLE), tf.zerosLike(variable), variable)));
}

function create(spec: OptimizerSpec): tf.Optimizer {
  switch (spec.kind) {
    case 'sgd':
      return new tf.SGDOptimizer(spec.learning_rate);
    case 'momentum':
      return new tf.MomentumOptimizer(spec.learning_rate, spec.momentum, spec.nesterov);
    case 'rmsprop':
      return new tf.RMSPropOptimizer(spec.learning_rate, spec.decay, 0, spec.epsilon);
    case 'adam':
      return new tf.AdamOptimizer(spec.learning_rate, spec.beta1, spec.beta2, spec.epsilon);
  }
}

/** A TensorFlow.js optimizer whose whole state can be read and assigned. All slots exist from the start. */
export class StatefulOptimizer {
  readonly slots: readonly Slot[];
  private readonly optimizer: tf.Optimizer;
  private readonly internals: Internals;
  private readonly trained: readonly Weight[];
  /** What decays. */
  private readonly decaying: readonly tf.Variable[];

  constructor(spec: OptimizerSpec, weights: readonly Weight[]) {
    this.optimizer = create(spec);
    this.internals = this.optimizer as unknown as Internals;
    this.trained = weights.filter(({ isTrainable }) => isTrainable);
    const slots: Slot[] = [];
    for (const { field, slot } of SLOTS[spec.kind]) {
      this.internals[field] = this.trained.map(({ name, variable }): SlotVariable => {
        const zeros = tf.tidy(() => tf.variable(tf.zerosLike(variable), false));
        slots.push({ name: `${name}:${slot}`, variable: zeros });
        return { originalName: `${variable.name}/${slot}`, variable: zeros };
      });
    }
    this.decaying = mayClear(spec) ? slots.map(({ variable }) => variable) : [];
    const { accBeta1, accBeta2 } = this.internals;
    if (accBeta1 && accBeta2) {
      slots.push({ name: 'accumulated_beta1', variable: accBeta1 }, { name: 'accumulated_beta2', variable: accBeta2 });
    }
    this.slots = slots;
  }

  /** Updates applied so far. */
  get iterations(): number {
    return this.optimizer.iterations;
  }

  get learningRate(): number {
    return this.internals.learningRate;
  }

  /** Changes the rate and nothing else. */
  set learningRate(rate: number) {
    if (rate === this.internals.learningRate) return;
    // SGD and momentum keep the rate in a tensor too. (`instanceof` does not work: Optimizer overrides it.)
    if (this.internals.setLearningRate) this.internals.setLearningRate(rate);
    else this.internals.learningRate = rate;
  }

  /** Variables that gradients are needed for, in the order in which {@link apply} takes them. */
  get variables(): tf.Variable[] {
    return this.trained.map(({ variable }) => variable);
  }

  /** One update. Gradients are keyed by the variable's own name. */
  apply(gradients: tf.NamedTensorMap): void {
    this.optimizer.applyGradients(
      this.trained.map(({ variable: { name } }) => ({ name, tensor: gradients[name] as tf.Tensor })),
    );
    // By the number of updates: a training that was interrupted does it where the others do.
    if (this.iterations % CLEARED_EVERY_UPDATES === 0) this.decaying.forEach(clearNegligible);
  }

  /** All slots and the number of updates, as one safetensors file, in pieces. */
  copy(): readonly Uint8Array[] {
    return copyVariables(this.slots, { [ITERATIONS]: Int32Array.of(this.iterations) });
  }

  /**
   * Takes over what {@link copy} gave, bit for bit.
   * @throws {CheckpointIncompatibleError} when it is the state of another optimizer or model.
   */
  restore(bytes: Uint8Array): void {
    const { [ITERATIONS]: iterations, ...slots } = Object.fromEntries(decodeSafetensors(bytes, FILE));
    if (iterations?.dtype !== 'I32' || iterations.data.length !== 1) {
      throw new CheckpointFileError(FILE, `it has no ${ITERATIONS}`);
    }
    assignVariables(this.slots, new Map(Object.entries(slots)), FILE);
    this.internals.iterations_ = iterations.data[0]!;
  }

  dispose(): void {
    this.optimizer.dispose();
    // SGD disposes of its own; momentum, built on it, forgets.
    const { c } = this.internals;
    if (c && !c.isDisposed) c.dispose();
  }
}
