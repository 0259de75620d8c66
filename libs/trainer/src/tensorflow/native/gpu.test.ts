import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findGpu, missingGpuLibraries } from './gpu.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-gpu-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(path: string, text = ''): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
}

describe('a GPU', () => {
  it('is told by its device and named by its driver', async () => {
    await file('dev/null');
    expect(findGpu(join(folder, 'dev'), join(folder, 'gpus'))).toBeNull();
    await file('dev/nvidia3');
    expect(findGpu(join(folder, 'dev'), join(folder, 'gpus'))).toBe('gpu');
    await file('gpus/0000:01:00.0/information', 'Model: \t\t NVIDIA H200 NVL\nIRQ:   \t 16\n');
    expect(findGpu(join(folder, 'dev'), join(folder, 'gpus'))).toBe('nvidia-h200-nvl');
  });

  it('lacks the libraries that are neither beside TensorFlow nor known to the dynamic linker', async () => {
    await file('tensorflow/libtensorflow_cc.so.2');
    await file('nvidia/cudnn/lib/libcudnn.so.9');
    const missing = missingGpuLibraries(join(folder, 'tensorflow'));
    expect(missing).not.toContain('libcudnn.so.9');
    for (const library of missing) expect(library).toMatch(/^lib(cu\w+)\.so\.\d+$/);
  });
});
