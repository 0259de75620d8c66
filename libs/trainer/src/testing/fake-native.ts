import type { NativeMachine } from '../tensorflow/native/native-machine.js';
import type { NativeName } from '../tensorflow/native/native-package.js';

/** A machine on which TensorFlow 2.21.0 is built and loads, but for the changes; it records what is loaded. */
export function fakeNative(changes: Partial<NativeMachine> = {}) {
  const loads: NativeName[] = [];
  const machine: NativeMachine = {
    installed: () => ({ version: '4.22.0', tensorflow: '2.21.0', problem: null }),
    instructionSet: () => 'avx512',
    gpu: () => 'nvidia-h200',
    missingGpuLibraries: () => [],
    loaded: () => loads[0] ?? null,
    load: (name) => {
      loads.push(name);
      return Promise.resolve({ tensorflow: '2.21.0', isOnGpu: name === 'tfjs-node-gpu' });
    },
    ...changes,
  };
  return { machine, loads };
}
