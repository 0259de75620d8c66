import type { Engine, FoundBackend } from '../found-backend.js';
import { NATIVE_THREADS } from './config.js';
import { NATIVE_ENGINE, type NativeMachine, THIS_MACHINE } from './native-machine.js';
import { type InstalledNative, NATIVE_COMMANDS, NATIVE_PACKAGES, type NativeName } from './native-package.js';

const CUDA = 'CUDA 12 and cuDNN 9';

/** Looks for a native backend by its files: TensorFlow takes 0.3 s and 300 MB, so it is loaded when it is chosen. */
export function findNative(name: NativeName, machine: NativeMachine = THIS_MACHINE): FoundBackend {
  const installed = machine.installed(name);
  if (!installed) return { name, usable: false, problem: `it is not built here; ${toBuild(name)}` };
  const problem = problemOf(name, installed, machine);
  if (problem !== null) return { name, usable: false, problem, isBroken: true };
  const { tensorflow } = installed;
  let engine: Promise<Engine> | undefined;
  return {
    name,
    usable: true,
    version: tensorflow === null ? null : versionOf(name, installed.version, tensorflow, machine),
    engine: () => (engine ??= load(name, installed, machine)),
  };
}

function problemOf(name: NativeName, { problem }: InstalledNative, machine: NativeMachine): string | null {
  if (problem !== null) return `${problem}; ${toBuild(name)}`;
  if (name === 'tfjs-node-gpu' && machine.gpu() === null)
    return 'this machine has no NVIDIA GPU, or no driver for it: there is no /dev/nvidia0, and nvidia-smi lists none';
  return null;
}

async function load(name: NativeName, installed: InstalledNative, machine: NativeMachine): Promise<Engine> {
  if ((machine.loaded() ?? name) !== name)
    throw new Error(`this process has loaded ${machine.loaded()}, and it can load only one of the two`);
  const { tensorflow, isOnGpu } = await loaded(name, machine);
  if (name === 'tfjs-node-gpu' && !isOnGpu) throw new Error(whyNotOnGpu(machine.missingGpuLibraries()));
  return { name: NATIVE_ENGINE, version: versionOf(name, installed.version, tensorflow, machine) };
}

async function loaded(name: NativeName, machine: NativeMachine) {
  try {
    return await machine.load(name);
  } catch (error) {
    const [detail] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new Error(`${NATIVE_PACKAGES[name]} does not load: ${detail}; ${toBuild(name)}`, { cause: error });
  }
}

function whyNotOnGpu(missing: readonly string[]): string {
  const what = missing.length > 0 ? `these libraries are missing: ${missing.join(', ')}` : 'nvidia-smi must list one';
  return `TensorFlow finds no GPU; it needs the driver, ${CUDA}, and ${what}; ${toBuild('tfjs-node-gpu')}`;
}

function toBuild(name: NativeName): string {
  return `build it with ${NATIVE_COMMANDS[name]}`;
}

/** All that its bits depend on: `4.22.0+tf2.21.0+avx512+t1`, `4.22.0+tf2.21.0+nvidia-h200+avx512+t1`. */
function versionOf(name: NativeName, npm: string, tensorflow: string, machine: NativeMachine): string {
  const device = name === 'tfjs-node-gpu' ? [machine.gpu() ?? 'gpu'] : [];
  return [npm, `tf${tensorflow}`, ...device, machine.instructionSet(), `t${NATIVE_THREADS}`].join('+');
}
