import type { BackendName } from '@ktrdr/specs';
import { DomainError } from '@ktrdr/errors';
import * as tf from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from '../errors.js';
import type { FoundBackend } from './found-backend.js';
import type { ModelSize } from './network.js';
import { NATIVE_COMMANDS } from './native/native-package.js';

/** The backend that an operation trains on. */
export interface Backend {
  readonly name: BackendName;
  readonly version: string;
  /** Why this one, for people. */
  readonly reason: string;
}

export interface BackendWish {
  /** From the spec. */
  readonly requested: BackendName | 'auto';
  /** The backend of the checkpoint to continue from, if any. */
  readonly checkpoint: BackendName | null;
  /** Where the checkpoint's cannot be had, any other will do. */
  readonly mayChange?: boolean;
  /** What `auto` goes by; without it, as if the model were small. */
  readonly size?: ModelSize;
  /** Runs the model once on the active backend; throws when that backend lacks something. */
  readonly tryModel: () => void;
}

/** Multiply-adds of an average product from which native TensorFlow was at least three times as fast as WASM: ADR 28. */
const NATIVE_FROM = 2_000_000;

/** What `auto` tries, in this order. A GPU is used by name only: from which size on it is faster is not measured. */
const ORDER_OF_SMALL: readonly BackendName[] = ['wasm', 'tfjs-node', 'cpu'];
const ORDER_OF_LARGE: readonly BackendName[] = ['tfjs-node', 'wasm', 'cpu'];

/**
 * Loads and activates the backend to train on. `auto` takes the checkpoint's, because only there the numbers stay the
 * same; for a fresh run, the one that is fastest for a model of this size among those that load and can run it.
 * @throws {BackendUnavailableError} when none can.
 */
export async function chooseBackend(found: readonly FoundBackend[], wish: BackendWish): Promise<Backend> {
  const { requested, checkpoint, mayChange = false } = wish;
  const only = requested !== 'auto' ? requested : mayChange ? null : checkpoint;
  const passedOver: string[] = [];
  for (const backend of candidatesFor(found, only, wish)) {
    // A checkpoint is the proof that its backend can run the model; a resume need not try again.
    const tryModel = backend.name === checkpoint ? () => undefined : wish.tryModel;
    const activated = await tryActivate(backend, tryModel);
    if ('version' in activated)
      return { name: backend.name, version: activated.version, reason: reasonFor(backend.name, wish, passedOver) };
    passedOver.push(`${backend.name}: ${activated.problem}`);
  }
  throw new BackendUnavailableError(only ?? 'auto', passedOver, adviceFor(only, checkpoint));
}

function candidatesFor(
  found: readonly FoundBackend[],
  only: BackendName | null,
  { checkpoint, size }: BackendWish,
): readonly FoundBackend[] {
  const names = only !== null ? [only] : [checkpoint, ...(isLarge(size) ? ORDER_OF_LARGE : ORDER_OF_SMALL)];
  return [...new Set(names)].flatMap((name) => found.filter((backend) => backend.name === name));
}

function isLarge(size: ModelSize | undefined): boolean {
  return size !== undefined && averageProduct(size) >= NATIVE_FROM;
}

function averageProduct({ multiplyAdds, products }: ModelSize): number {
  return multiplyAdds / products;
}

async function tryActivate(
  backend: FoundBackend,
  tryModel: () => void,
): Promise<{ readonly version: string } | { readonly problem: string }> {
  if (!backend.usable) return { problem: backend.problem };
  try {
    const { name, version } = await backend.engine();
    if (!(await tf.setBackend(name))) return { problem: 'it does not start' };
    const problem = problemWith(tryModel);
    return problem === null ? { version } : { problem };
  } catch (error) {
    if (error instanceof DomainError) throw error;
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function problemWith(tryModel: () => void): string | null {
  try {
    tf.tidy(tryModel);
    return null;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    return `it cannot run this model: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function reasonFor(name: BackendName, wish: BackendWish, passedOver: readonly string[]): string {
  const { requested, checkpoint, size } = wish;
  if (requested !== 'auto') return 'named in the spec';
  if (name === checkpoint) return 'the checkpoint was made on it';
  return [sizeReason(size), ...passedOver].join('; ');
}

function sizeReason(size: ModelSize | undefined): string {
  const rule = `native TensorFlow is taken from ${rounded(NATIVE_FROM)} on`;
  return size ? `an average product of a step has ${rounded(averageProduct(size))} multiply-adds; ${rule}` : rule;
}

function rounded(count: number): string {
  return count.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function adviceFor(only: BackendName | null, checkpoint: BackendName | null): string {
  const instead =
    only !== null && only === checkpoint
      ? 'resume on a worker that has it, or allow a change of backend, which gives close numbers'
      : 'let the spec say backend: auto';
  if (only === 'tfjs-node-gpu' || only === 'tfjs-node')
    return `Run ${NATIVE_COMMANDS[only]} on the worker, or ${instead}`;
  return `Reinstall the worker’s packages (npm ci), or ${instead}`;
}
