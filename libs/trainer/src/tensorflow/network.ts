import type { LayerSpec, TrainingSpec } from '@ktrdr/specs';
import * as tf from '@tensorflow/tfjs-core';
import { type layers as tfLayers, layers as make, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import type { PreparedDataset } from '../data/prepared-dataset.js';
import { LayerUnsupportedError } from '../errors.js';
import { dropoutMask } from '../keyed-random.js';
import { initialWeight } from './initial-weights.js';

type Layer = tfLayers.Layer;

/** A tensor of the model that training changes; its name is the same in every process. */
export interface Weight {
  readonly name: string;
  readonly variable: tf.Variable;
  /** False for moving statistics, which the forward pass updates. */
  readonly isTrainable: boolean;
}

export interface NetworkSpec {
  readonly layers: readonly LayerSpec[];
  readonly window: number;
  readonly features: number;
  readonly seed: number;
  /** Leaves the first weights out: all are going to be assigned. */
  readonly isBlank?: boolean;
}

interface Stage {
  readonly layer: Layer;
  /** Set for dropout, which the network applies itself with a keyed mask. */
  readonly dropout: { readonly index: number; readonly rate: number } | null;
}

/**
 * The model of a spec: [batch, window, features] → one logit a sample, [batch, 1].
 * Weights are initialised from the seed; nothing in it draws a random number that is not keyed.
 * Must be disposed.
 */
export class Network {
  readonly weights: readonly Weight[];
  private readonly model: Sequential;
  private readonly stages: readonly Stage[];
  private readonly penalties: readonly { readonly kernel: tf.Variable; readonly l2: number }[];

  constructor(private readonly spec: NetworkSpec) {
    this.stages = toStages(spec);
    this.model = sequential({ name: 'ktrdr' });
    for (const { layer } of this.stages) this.model.add(layer);
    this.model.add(make.activation({ name: 'output_sigmoid', activation: 'sigmoid' }));
    this.weights = this.stages.flatMap(({ layer }) => weightsOf(layer));
    this.penalties = spec.layers.flatMap((layer, index) =>
      layer.kind === 'dense' && layer.l2 > 0
        ? [{ kernel: this.variable(`${layerName(layer, index)}/kernel`), l2: layer.l2 }]
        : [],
    );
    for (const weight of spec.isBlank ? [] : this.weights) {
      const values = initialWeight(weight.name, weight.variable.shape, spec.seed);
      if (values) tf.tidy(() => weight.variable.assign(tf.tensor(values, weight.variable.shape)));
    }
  }

  /** [window, features] */
  get sampleShape(): readonly [number, number] {
    return [this.spec.window, this.spec.features];
  }

  get parameters(): number {
    return this.weights.reduce((sum, { variable, isTrainable }) => sum + (isTrainable ? variable.size : 0), 0);
  }

  /** Topology in the TensorFlow.js Layers format, without weights. */
  topology(): unknown {
    return this.model.toJSON(null, false);
  }

  /**
   * The logits. With a `step` it is a training pass: dropout masks of that step, batch statistics, moving statistics
   * updated. Without, it changes nothing. Call inside `tf.tidy`.
   */
  logits(inputs: tf.Tensor, step: number | null): tf.Tensor2D {
    let values = inputs;
    for (const { layer, dropout } of this.stages) {
      if (!dropout) values = layer.apply(values, { training: step !== null }) as tf.Tensor;
      else if (step !== null && dropout.rate > 0) {
        const mask = dropoutMask({
          seed: this.spec.seed,
          layer: dropout.index,
          step,
          rate: dropout.rate,
          count: values.size,
        });
        values = tf.mul(values, tf.tensor(mask, values.shape));
      }
    }
    return values as tf.Tensor2D;
  }

  /** Sum of l2 · ‖kernel‖² over the layers that ask for it; null when none does. */
  penalty(): tf.Scalar | null {
    const terms = this.penalties.map(({ kernel, l2 }) => tf.mul(tf.sum(tf.square(kernel)), l2));
    return terms.length === 0 ? null : (terms.reduce((sum, term) => tf.add(sum, term)) as tf.Scalar);
  }

  dispose(): void {
    this.model.dispose();
  }

  private variable(name: string): tf.Variable {
    const found = this.weights.find((weight) => weight.name === name);
    if (!found) throw new LayerUnsupportedError(name, 'it has no such weight');
    return found.variable;
  }
}

interface NetworkSetup {
  readonly spec: TrainingSpec;
  readonly dataset: PreparedDataset;
}

/** @param isBlank leaves the first weights out, as a restore assigns all of them. */
export function newNetwork({ spec, dataset }: NetworkSetup, { isBlank = false } = {}): Network {
  return new Network({
    layers: spec.model.layers,
    window: dataset.window,
    features: dataset.featureNames.length,
    seed: spec.seed,
    isBlank,
  });
}

/** `model.json`: the topology in the TensorFlow.js Layers format, and the names of the inputs. */
export function encodeModel(network: Network, featureNames: readonly string[]): Uint8Array {
  const [window, features] = network.sampleShape;
  const document = {
    format: 'layers-model',
    generatedBy: `TensorFlow.js ${tf.version_core}`,
    modelTopology: network.topology(),
    inputs: { window, features, feature_names: featureNames },
  };
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

function layerName(layer: LayerSpec, index: number): string {
  return `layer_${index}_${layer.kind.replaceAll('-', '_')}`;
}

function toStages({ layers, window, features }: NetworkSpec): readonly Stage[] {
  const stages: Stage[] = [];
  let isSequence = true;
  const add = (layer: Layer, dropout: Stage['dropout'] = null) => stages.push({ layer, dropout });
  const inputShape = (): { inputShape?: [number, number] } =>
    stages.length === 0 ? { inputShape: [window, features] } : {};
  const flattenBefore = (name: string) => {
    if (isSequence) add(make.flatten({ name: `flatten_before_${name}`, ...inputShape() }));
    isSequence = false;
  };
  layers.forEach((spec, index) => {
    const name = layerName(spec, index);
    if (spec.kind === 'dense') flattenBefore(name);
    if (spec.kind === 'lstm' && !isSequence) {
      throw new LayerUnsupportedError(
        name,
        'an lstm needs a sequence, but an earlier layer has reduced it to a vector',
      );
    }
    add(toLayer(spec, name, inputShape()), spec.kind === 'dropout' ? { index, rate: spec.rate } : null);
    if (spec.kind === 'flatten') isSequence = false;
    if (spec.kind === 'lstm') isSequence = spec.return_sequences;
  });
  flattenBefore('output');
  add(make.dense({ name: 'output', units: 1, kernelInitializer: 'zeros', ...inputShape() }));
  return stages;
}

/** Initialisers are set to zeros here because the weights are filled in from the seed afterwards. */
function toLayer(spec: LayerSpec, name: string, input: { inputShape?: [number, number] }): Layer {
  switch (spec.kind) {
    case 'dense':
      return make.dense({ name, units: spec.units, activation: spec.activation, kernelInitializer: 'zeros', ...input });
    case 'dropout':
      return make.dropout({ name, rate: spec.rate, ...input });
    case 'batch-norm':
      return make.batchNormalization({ name, momentum: spec.momentum, epsilon: spec.epsilon, ...input });
    case 'lstm':
      return make.lstm({
        name,
        units: spec.units,
        returnSequences: spec.return_sequences,
        recurrentActivation: 'sigmoid',
        kernelInitializer: 'zeros',
        recurrentInitializer: 'zeros',
        unitForgetBias: false,
        ...input,
      });
    case 'flatten':
      return make.flatten({ name, ...input });
  }
}

/** TensorFlow.js keeps the variable behind a protected field; its own training loop reads it the same way. */
function weightsOf(layer: Layer): readonly Weight[] {
  return layer.weights.map((weight) => ({
    name: weight.originalName,
    variable: (weight as unknown as { readonly val: tf.Variable }).val,
    isTrainable: layer.trainableWeights.includes(weight),
  }));
}

/** How much arithmetic one step is. */
export interface ModelSize {
  /** Of the forward pass, for one batch. */
  readonly multiplyAdds: number;
  /** Layers that multiply, one after the other; an LSTM counts once for each of its days. */
  readonly products: number;
}

interface ModelShape {
  readonly layers: readonly LayerSpec[];
  readonly window: number;
  readonly features: number;
  readonly batchSize: number;
}

/** Counts the model of a spec, its output layer included. */
export function modelSize({ layers, window, features, batchSize }: ModelShape): ModelSize {
  let width = features;
  let days = window;
  let perSample = 0;
  let products = 0;
  const flatten = (): void => {
    width *= days;
    days = 1;
  };
  const dense = (units: number): void => {
    flatten();
    perSample += width * units;
    products += 1;
    width = units;
  };
  for (const layer of layers) {
    if (layer.kind === 'flatten') flatten();
    else if (layer.kind === 'dense') dense(layer.units);
    else if (layer.kind === 'lstm') {
      perSample += days * (width + layer.units) * 4 * layer.units;
      products += days;
      width = layer.units;
      if (!layer.return_sequences) days = 1;
    }
  }
  dense(1);
  return { multiplyAdds: perSample * batchSize, products };
}
