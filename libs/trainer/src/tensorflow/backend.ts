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

/** The one that all TensorFlow.js packages here have; another brings a tfjs-core of its own. */
const TFJS_VERSION = '4.22.0';

const PACKAGES: Readonly<Record<BackendName, string>> = {
  'tfjs-node-gpu': '@tensorflow/tfjs-node-gpu',
  'tfjs-node': '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
};

/** What both native packages register themselves as. */
const NATIVE_ENGINE = 'tensorflow';

const IN_ITS_PLACE =
  'tfjs-node-gpu was loaded before it, and a process can load one of the two; uninstall @tensorflow/tfjs-node-gpu to use it';
const OTHER_CORE = `it has another copy of tfjs-core; install version ${TFJS_VERSION} of it, then run npm dedupe`;
const NO_GPU =
  'it finds no GPU; check that nvidia-smi lists one and that CUDA 11 and cuDNN 8 are on LD_LIBRARY_PATH, ' +
  'or install @tensorflow/tfjs-node in its place';

async function loadNative(name: 'tfjs-node-gpu' | 'tfjs-node'): Promise<LoadedBackend> {
  // Both packages register the same engine, so only one of them can be loaded.
  if (isNativeLoaded()) return { name, usable: false, problem: IN_ITS_PLACE };
  const module = (await import(PACKAGES[name])) as { version?: Record<string, string>; default?: unknown };
  if (!isNativeLoaded()) return { name, usable: false, problem: OTHER_CORE };
  if (name === 'tfjs-node-gpu' && !(await isOnGpu())) return { name, usable: false, problem: NO_GPU };
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
      problem: isMissing
        ? `${PACKAGES[name]} is not installed (npm i ${PACKAGES[name]}@${TFJS_VERSION})`
        : `it does not load: ${detail} (reinstall it: npm rebuild ${PACKAGES[name]})`,
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
  /** Where the checkpoint's cannot be had, any other will do. */
  readonly mayChange?: boolean;
  /** Runs the model once on the active backend; throws when that backend lacks something. */
  readonly tryModel: () => void;
}

/**
 * Activates the backend to train on. `auto` takes the checkpoint's, because only there the numbers stay the same; for
 * a fresh run the first that loads and can run the model.
 * @throws {BackendUnavailableError} when none can.
 */
export async function chooseBackend(loaded: readonly LoadedBackend[], wish: BackendWish): Promise<Backend> {
  const { requested, checkpoint, mayChange = false } = wish;
  const only = requested !== 'auto' ? requested : mayChange ? null : checkpoint;
  const passedOver: string[] = [];
  const candidates = loaded
    .filter(({ name }) => only === null || name === only)
    .toSorted((a, b) => Number(b.name === checkpoint) - Number(a.name === checkpoint));
  for (const backend of candidates) {
    // A checkpoint is the proof that its backend can run the model; a resume need not try again.
    const tryModel = backend.name === wish.checkpoint ? () => undefined : wish.tryModel;
    const problem = backend.usable ? await problemOf(backend.engineName, tryModel) : backend.problem;
    if (backend.usable && problem === null) {
      return { name: backend.name, version: backend.version, reason: reasonFor(backend.name, wish, passedOver) };
    }
    passedOver.push(`${backend.name}: ${problem}`);
  }
  throw new BackendUnavailableError(only ?? 'auto', passedOver, adviceFor(only, checkpoint));
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

function reasonFor(name: BackendName, { requested, checkpoint }: BackendWish, passedOver: readonly string[]): string {
  if (requested !== 'auto') return 'named in the spec';
  if (name === checkpoint) return 'the checkpoint was made on it';
  return ['the first that loads and can run the model', ...passedOver].join('; ');
}

function adviceFor(only: BackendName | null, checkpoint: BackendName | null): string {
  const instead =
    only !== null && only === checkpoint
      ? 'resume on a worker that has it, or accept close numbers on another backend with allow_backend_change'
      : 'let the spec say backend: auto';
  if (only === 'tfjs-node-gpu' || only === 'tfjs-node') {
    return `Install ${PACKAGES[only]} ${TFJS_VERSION} on the worker (npm i ${PACKAGES[only]}@${TFJS_VERSION}), or ${instead}`;
  }
  return `Reinstall the worker’s packages (npm ci), or ${instead}`;
}
