import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { BACKENDS, type BackendName } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import * as tf from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from '../errors.js';

/** What there is on this machine for one backend name. */
export type LoadedBackend =
  | { readonly name: BackendName; readonly usable: true; readonly version: string; readonly engineName: string }
  | { readonly name: BackendName; readonly usable: false; readonly problem: string };

/** The backend that an operation trains on. */
export interface Backend {
  readonly name: BackendName;
  readonly version: string;
  /** Why this one, for people. */
  readonly reason: string;
}

const PACKAGES: Readonly<Record<BackendName, string>> = {
  'tfjs-node-gpu': '@tensorflow/tfjs-node-gpu',
  'tfjs-node': '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/** What both native packages register themselves as. */
const NATIVE_ENGINE = 'tensorflow';

async function loadNative(name: 'tfjs-node-gpu' | 'tfjs-node'): Promise<LoadedBackend> {
  // Both packages register the same engine, so only one of them can be loaded.
  if (isNativeLoaded()) return { name, usable: false, problem: 'tfjs-node-gpu is loaded in its place' };
  const module = (await import(PACKAGES[name])) as { version?: Record<string, string>; default?: unknown };
  if (!isNativeLoaded()) return { name, usable: false, problem: 'it has another copy of tfjs-core' };
  if (name === 'tfjs-node-gpu' && !(await isOnGpu())) return { name, usable: false, problem: 'it finds no GPU' };
  const { version } = (module.version ? module : module.default) as { version: Record<string, string> };
  return {
    name,
    usable: true,
    version: version['tfjs-node'] ?? version['tfjs'] ?? 'unknown',
    engineName: NATIVE_ENGINE,
  };
}

function isNativeLoaded(): boolean {
  return NATIVE_ENGINE in tf.engine().registryFactory;
}

async function isOnGpu(): Promise<boolean> {
  await tf.setBackend(NATIVE_ENGINE);
  return (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice !== false;
}

/** One thread: several would add up in an order that changes from step to step. */
async function loadWasm(): Promise<LoadedBackend> {
  const { setThreadsCount, setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  const require = createRequire(import.meta.url);
  setWasmPaths(`${dirname(require.resolve(`${PACKAGES.wasm}/package.json`))}/dist/`);
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) return { name: 'wasm', usable: false, problem: 'WebAssembly could not start' };
  const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  // SIMD adds in another order than plain WebAssembly, so it belongs to the version.
  return { name: 'wasm', usable: true, version: `${version_wasm}+${hasSimd ? 'simd' : 'plain'}`, engineName: 'wasm' };
}

async function loadCpu(): Promise<LoadedBackend> {
  const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
  return { name: 'cpu', usable: true, version: version_cpu, engineName: 'cpu' };
}

async function tryLoad(name: BackendName, load: () => Promise<LoadedBackend>): Promise<LoadedBackend> {
  try {
    return await load();
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return {
      name,
      usable: false,
      problem: isMissing ? `${PACKAGES[name]} is not installed` : `it does not load: ${detail}`,
    };
  }
}

/** Loads every backend that this machine has, best first. The native ones are optional packages. */
export async function loadBackends(): Promise<readonly LoadedBackend[]> {
  tf.enableProdMode();
  const loaded: LoadedBackend[] = [];
  for (const name of BACKENDS) {
    if (name === 'wasm') loaded.push(await tryLoad(name, loadWasm));
    else if (name === 'cpu') loaded.push(await tryLoad(name, loadCpu));
    else loaded.push(await tryLoad(name, () => loadNative(name)));
  }
  return loaded;
}

export interface BackendWish {
  /** From the spec. */
  readonly requested: BackendName | 'auto';
  /** The backend of the checkpoint to continue from, if any. */
  readonly checkpoint: BackendName | null;
  /** Runs the model once on the active backend; throws when that backend lacks something. */
  readonly tryModel: () => void;
}

/**
 * Activates the backend to train on. `auto` takes the checkpoint's, because only there the numbers stay the same; for
 * a fresh run the first that loads and can run the model.
 * @throws {BackendUnavailableError} when none can.
 */
export async function chooseBackend(loaded: readonly LoadedBackend[], wish: BackendWish): Promise<Backend> {
  const only = wish.requested !== 'auto' ? wish.requested : wish.checkpoint;
  const passedOver: string[] = [];
  for (const backend of loaded.filter(({ name }) => only === null || name === only)) {
    // A checkpoint is the proof that its backend can run the model; a resume need not try again.
    const tryModel = backend.name === wish.checkpoint ? () => undefined : wish.tryModel;
    const problem = backend.usable ? await problemOf(backend.engineName, tryModel) : backend.problem;
    if (backend.usable && problem === null) {
      return { name: backend.name, version: backend.version, reason: reasonFor(wish, passedOver) };
    }
    passedOver.push(`${backend.name}: ${problem}`);
  }
  throw new BackendUnavailableError(only ?? 'auto', passedOver, adviceFor(only));
}

async function problemOf(engineName: string, tryModel: () => void): Promise<string | null> {
  try {
    if (!(await tf.setBackend(engineName))) return 'it does not start';
    tf.tidy(tryModel);
    return null;
  } catch (error) {
    if (error instanceof DomainError) throw error;
    return `it cannot run this model: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function reasonFor({ requested, checkpoint }: BackendWish, passedOver: readonly string[]): string {
  if (requested !== 'auto') return 'named in the spec';
  if (checkpoint) return 'the checkpoint was made on it';
  return ['the first that loads and can run the model', ...passedOver].join('; ');
}

function adviceFor(only: BackendName | null): string {
  if (only === 'tfjs-node-gpu' || only === 'tfjs-node') {
    return `Install ${PACKAGES[only]} 4.22 on the worker, or let the spec say backend: auto`;
  }
  return 'Reinstall the worker’s packages, or choose another backend in the spec';
}
