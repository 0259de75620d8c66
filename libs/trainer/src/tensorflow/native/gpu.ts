import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const DRIVER_FOLDER = '/proc/driver/nvidia/gpus';
const DEVICE = /^(nvidia\d+|dxg)$/;
/** The driver's and, of CUDA 12 and cuDNN 9, those without which TensorFlow uses no GPU. */
const LIBRARIES = [
  'libcuda.so.1',
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcufft.so.11',
  'libcusolver.so.11',
  'libcusparse.so.12',
  'libcudnn.so.9',
];

/** A name for the first NVIDIA GPU of this machine, such as `nvidia-h200`; null: there is none. */
export function findGpu(devices = '/dev', driver = DRIVER_FOLDER): string | null {
  if (!readdirSync(devices).some((name) => DEVICE.test(name))) return null;
  if (!existsSync(driver)) return 'gpu';
  const [first] = readdirSync(driver).toSorted();
  const model = first && /^Model:\s*(.+)$/m.exec(readFileSync(join(driver, first, 'information'), 'utf8'))?.[1];
  return model
    ? model
        .trim()
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
    : 'gpu';
}

/**
 * Those of the GPU's libraries that the dynamic linker does not find, nor a folder `nvidia/*\/lib` beside TensorFlow's,
 * which is how its wheel has them.
 */
export function missingGpuLibraries(tensorflowFolder: string | null): readonly string[] {
  const nvidia = tensorflowFolder === null ? null : join(tensorflowFolder, '..', 'nvidia');
  const beside = nvidia && existsSync(nvidia) ? readdirSync(nvidia).map((part) => join(nvidia, part, 'lib')) : [];
  return LIBRARIES.filter((name) => !beside.some((folder) => existsSync(join(folder, name))) && !isLoadable(name));
}

/** Asks the dynamic linker. A library that it finds is no module of Node, which is another error. */
function isLoadable(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY);
    return true;
  } catch (error) {
    return !(error instanceof Error && /cannot open shared object file/.test(error.message));
  }
}
