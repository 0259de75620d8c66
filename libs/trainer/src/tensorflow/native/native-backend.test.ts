import { fakeNative } from '../../testing/fake-native.js';
import type { FoundBackend } from '../found-backend.js';
import { findNative } from './native-backend.js';

type Usable = Extract<FoundBackend, { usable: true }>;

const engineOf = (found: FoundBackend) => (found as Usable).engine();

describe('a native backend', () => {
  it('is found without being loaded, with a version of all that its bits depend on', () => {
    const { machine, loads } = fakeNative();
    expect(findNative('tfjs-node', machine)).toMatchObject({ usable: true, version: '4.22.0+tf2.21.0+avx512+t1' });
    expect(findNative('tfjs-node-gpu', machine)).toMatchObject({
      usable: true,
      version: '4.22.0+tf2.21.0+nvidia-h200+avx512+t1',
    });
    expect(loads).toEqual([]);
  });

  it('is loaded once, and then says the version that it has', async () => {
    const { machine, loads } = fakeNative({
      installed: () => ({ version: '4.22.0', tensorflow: null, problem: null }),
    });
    const found = findNative('tfjs-node', machine);
    expect(found).toMatchObject({ usable: true, version: null });
    expect(await engineOf(found)).toEqual({ name: 'tensorflow', version: '4.22.0+tf2.21.0+avx512+t1' });
    await engineOf(found);
    expect(loads).toEqual(['tfjs-node']);
  });

  it.each([
    ['tfjs-node', 'it is not built here; build it with npm run backend:native'],
    ['tfjs-node-gpu', 'it is not built here; build it with npm run backend:native -- --gpu'],
  ] as const)('that is not there names its command: %s', (name, problem) => {
    expect(findNative(name, fakeNative({ installed: () => null }).machine)).toEqual({ name, usable: false, problem });
  });

  it('whose files are not whole says what is gone, and is broken', () => {
    const problem = 'libtensorflow_cc.so.2 is gone from /cache';
    const { machine } = fakeNative({ installed: () => ({ version: '4.22.0', tensorflow: '2.21.0', problem }) });
    expect(findNative('tfjs-node', machine)).toMatchObject({
      usable: false,
      isBroken: true,
      problem: `${problem}; build it with npm run backend:native`,
    });
  });

  it('for a GPU is not usable on a machine without one, and is not loaded', () => {
    const { machine, loads } = fakeNative({ gpu: () => null });
    expect(findNative('tfjs-node-gpu', machine)).toMatchObject({
      usable: false,
      problem: expect.stringContaining('no NVIDIA GPU'),
    });
    expect(findNative('tfjs-node', machine)).toMatchObject({ usable: true });
    expect(loads).toEqual([]);
  });

  it('for a GPU names the libraries without which TensorFlow uses none', async () => {
    const { machine } = fakeNative({
      load: () => Promise.resolve({ tensorflow: '2.21.0', isOnGpu: false }),
      missingGpuLibraries: () => ['libcudnn.so.9'],
    });
    await expect(engineOf(findNative('tfjs-node-gpu', machine))).rejects.toThrow(
      /CUDA 12 and cuDNN 9.*missing: libcudnn\.so\.9; build it with npm run backend:native -- --gpu/,
    );
  });

  it('that does not load says why in one line, with the command', async () => {
    const { machine } = fakeNative({
      load: () => Promise.reject(new Error('libtensorflow_cc.so.2: cannot open shared object file\n  at dlopen')),
    });
    await expect(engineOf(findNative('tfjs-node', machine))).rejects.toThrow(
      /^@tensorflow\/tfjs-node does not load: libtensorflow_cc\.so\.2: cannot open shared object file; build it with npm run backend:native$/,
    );
  });

  it('is refused where the process has loaded the other one', async () => {
    const { machine } = fakeNative();
    await engineOf(findNative('tfjs-node-gpu', machine));
    await expect(engineOf(findNative('tfjs-node', machine))).rejects.toThrow(
      'this process has loaded tfjs-node-gpu, and it can load only one of the two',
    );
    expect(await engineOf(findNative('tfjs-node-gpu', machine))).toMatchObject({ name: 'tensorflow' });
  });
});
