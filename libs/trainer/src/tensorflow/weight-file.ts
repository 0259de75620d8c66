import * as tf from '@tensorflow/tfjs-core';
import { CheckpointIncompatibleError } from '../errors.js';
import { SafetensorsWriter, type StoredTensor } from '../state/safetensors.js';

/** A variable under the name that it has in files. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
}

const WRITERS = new WeakMap<readonly NamedVariable[], SafetensorsWriter>();

/**
 * Copies variables out as one safetensors file. Waits for the device; the bytes share nothing with the variables.
 * @param variables always with the same counters.
 */
export function copyVariables(
  variables: readonly NamedVariable[],
  counters: Readonly<Record<string, Int32Array>> = {},
): readonly Uint8Array[] {
  const byName = new Map(variables.map(({ name, variable }) => [name, variable]));
  const isShared = sharesMemory();
  return writerOf(variables, counters).chunks((name) => {
    const values = byName.get(name)?.dataSync<'float32'>();
    return values ? (isShared ? values.slice() : values) : counters[name]!;
  });
}

/** Training stands still while it is saved, and the layout is the same each time. */
function writerOf(variables: readonly NamedVariable[], counters: Readonly<Record<string, Int32Array>>) {
  const known = WRITERS.get(variables);
  if (known) return known;
  const writer = new SafetensorsWriter([
    ...variables.map(({ name, variable }) => ({ name, dtype: 'F32' as const, shape: variable.shape })),
    ...Object.entries(counters).map(([name, { length }]) => ({ name, dtype: 'I32' as const, shape: [length] })),
  ]);
  WRITERS.set(variables, writer);
  return writer;
}

/** The same as one piece of memory. */
export function encodeVariables(...parameters: Parameters<typeof copyVariables>): Uint8Array {
  return Buffer.concat(copyVariables(...parameters));
}

const SHARING = new WeakMap<tf.KernelBackend, boolean>();

/** Whether the active backend gives out the memory in which it keeps a tensor; others have made a copy already. */
function sharesMemory(): boolean {
  const backend = tf.backend();
  let isSharing = SHARING.get(backend);
  if (isSharing === undefined) {
    isSharing = tf.tidy(() => {
      const probe = tf.tensor1d([0]);
      return probe.dataSync().buffer === probe.dataSync().buffer;
    });
    SHARING.set(backend, isSharing);
  }
  return isSharing;
}

/**
 * Assigns stored tensors to variables, bit for bit.
 * @throws {CheckpointIncompatibleError} when one is missing, unknown or has another shape. Nothing is assigned then.
 */
export function assignVariables(
  variables: readonly NamedVariable[],
  stored: ReadonlyMap<string, StoredTensor>,
  file: string,
): void {
  const known = new Set(variables.map(({ name }) => name));
  const unknown = [...stored.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new CheckpointIncompatibleError(
      `tensor in ${file}`,
      unknown,
      'none of that name',
      'resume with its own spec',
    );
  }
  const values = variables.map(({ name, variable }) => {
    const tensor = stored.get(name);
    const found = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'missing';
    const expected = `F32 [${variable.shape.join(', ')}]`;
    if (!tensor || found !== expected) {
      throw new CheckpointIncompatibleError(`tensor ${name} in ${file}`, found, expected, 'resume with its own spec');
    }
    return { variable, tensor };
  });
  tf.tidy(() => {
    for (const { variable, tensor } of values) variable.assign(tf.tensor(tensor.data, variable.shape, 'float32'));
  });
}

/** Whether every value of every variable is a finite number. */
export function areFinite(variables: readonly NamedVariable[]): boolean {
  return variables.every(({ variable }) => variable.dataSync<'float32'>().every(Number.isFinite));
}
