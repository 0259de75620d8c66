import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { setTensorFlowVariables } from './config.js';
import { findGpu, missingGpuLibraries } from './gpu.js';
import {
  findNativePackage,
  type InstalledNative,
  NATIVE_PACKAGES,
  nativeLibraries,
  type NativeName,
} from './native-package.js';

/** What both native packages register themselves as. */
export const NATIVE_ENGINE = 'tensorflow';

/** TensorFlow once it is loaded. */
interface LoadedNative {
  /** Version of TensorFlow. */
  readonly tensorflow: string;
  readonly isOnGpu: boolean;
}

/** What choosing a native backend needs of the machine. */
export interface NativeMachine {
  installed(name: NativeName): InstalledNative | null;
  /** See {@link instructionSetOf}. */
  instructionSet(): string;
  /** See {@link findGpu}. */
  gpu(): string | null;
  /** See {@link missingGpuLibraries}. */
  missingGpuLibraries(): readonly string[];
  /** Which of the two this process has; it cannot have both. */
  loaded(): NativeName | null;
  load(name: NativeName): Promise<LoadedNative>;
}

export const THIS_MACHINE: NativeMachine = {
  installed: findNativePackage,
  instructionSet: () => {
    try {
      return instructionSetOf(readFileSync('/proc/cpuinfo', 'utf8'));
    } catch {
      return arch(); // no Linux
    }
  },
  gpu: () => findGpu(),
  missingGpuLibraries: () => missingGpuLibraries(nativeLibraries('tfjs-node-gpu')),
  loaded: () => {
    if (!(NATIVE_ENGINE in tf.engine().registryFactory)) return null;
    return findEngine()?.isGPUPackage ? 'tfjs-node-gpu' : 'tfjs-node';
  },
  load: async (name) => {
    setTensorFlowVariables();
    restoreRemovedFunctions();
    await import(NATIVE_PACKAGES[name]);
    return readEngine();
  },
};

/** The package calls functions that Node 23 has removed or is going to remove. */
function restoreRemovedFunctions(): void {
  const functions: { isNullOrUndefined?: unknown; isArray?: unknown } = util as object;
  functions.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  functions.isArray = Array.isArray;
}

interface NativeEngine {
  readonly isGPUPackage?: boolean;
  readonly isUsingGpuDevice?: boolean;
  readonly binding?: { readonly TF_Version?: string };
}

function findEngine(): NativeEngine | null {
  return tf.findBackend(NATIVE_ENGINE) as NativeEngine | null;
}

function readEngine(): LoadedNative {
  const engine = findEngine();
  if (!engine) throw new Error('it has registered no backend');
  return { tensorflow: engine.binding?.TF_Version ?? 'unknown', isOnGpu: engine.isUsingGpuDevice === true };
}

/**
 * oneDNN multiplies matrices with kernels of their own for each of these, best first, and each adds in an order of its
 * own. Finer differences (VNNI, BF16) change no float32 result.
 */
const LEVELS = [
  { name: 'avx512', flags: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'] },
  { name: 'avx2', flags: ['avx2', 'fma'] },
  { name: 'avx', flags: ['avx'] },
] as const;
const LOWEST = 'sse4';

/** The instruction set that TensorFlow's arithmetic follows, from the text of `/proc/cpuinfo`. */
export function instructionSetOf(cpuinfo: string): string {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  return LEVELS.find((level) => level.flags.every((flag) => flags.has(flag)))?.name ?? LOWEST;
}
