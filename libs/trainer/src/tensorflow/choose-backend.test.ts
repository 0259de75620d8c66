import type { BackendName } from '@ktrdr/specs';
import { fakeNative } from '../testing/fake-native.js';
import { chooseBackend } from './choose-backend.js';
import { findBackends } from './find-backends.js';
import type { FoundBackend } from './found-backend.js';
import { findNative } from './native/native-backend.js';

const tryModel = () => undefined;
const SMALL = { multiplyAdds: 3_000_000, products: 3 };
const LARGE = { multiplyAdds: 6_000_000, products: 3 };
const wish = { requested: 'auto', checkpoint: null, tryModel } as const;

let own: readonly FoundBackend[];

beforeAll(async () => {
  own = (await findBackends()).filter(({ name }) => name === 'wasm' || name === 'cpu');
});

/** Native TensorFlow as far as its choice goes; what trains is the CPU backend. */
function given(changes?: Parameters<typeof fakeNative>[0]) {
  const { machine, loads } = fakeNative(changes);
  const natives = (['tfjs-node-gpu', 'tfjs-node'] as const).map((name) => {
    const found = findNative(name, machine);
    if (!found.usable) return found;
    return { ...found, engine: async () => ({ ...(await found.engine()), name: 'cpu' }) };
  });
  return { found: [...natives, ...own], loads };
}

describe('the backend that auto chooses', () => {
  it('is WASM for a small model, and nothing native is loaded', async () => {
    const { found, loads } = given();
    const chosen = await chooseBackend(found, { ...wish, size: SMALL });
    expect(chosen).toMatchObject({
      name: 'wasm',
      reason: 'an average product of a step has 1,000,000 multiply-adds; native TensorFlow is taken from 2,000,000 on',
    });
    expect(await chooseBackend(found, wish)).toMatchObject({ name: 'wasm' });
    expect(loads).toEqual([]);
  });

  it('is native TensorFlow for a large one, and a GPU only by name', async () => {
    const { found, loads } = given();
    expect(await chooseBackend(found, { ...wish, size: LARGE })).toMatchObject({
      name: 'tfjs-node',
      version: '4.22.0+tf2.21.0+avx512+t1',
      reason: expect.stringContaining('2,000,000 multiply-adds'),
    });
    expect(loads).toEqual(['tfjs-node']);
    const other = given();
    expect(await chooseBackend(other.found, { ...wish, requested: 'tfjs-node-gpu', size: SMALL })).toMatchObject({
      name: 'tfjs-node-gpu',
      reason: 'named in the spec',
    });
    expect(other.loads).toEqual(['tfjs-node-gpu']);
  });

  it('is WASM for a large one where native TensorFlow is not built or does not load, and the reason says so', async () => {
    const missing = await chooseBackend(given({ installed: () => null }).found, { ...wish, size: LARGE });
    expect(missing).toMatchObject({ name: 'wasm', reason: expect.stringContaining('npm run backend:native') });
    const load = () => Promise.reject(new Error('bad ELF'));
    const broken = await chooseBackend(given({ load }).found, { ...wish, size: LARGE });
    expect(broken).toMatchObject({ name: 'wasm', reason: expect.stringContaining('does not load: bad ELF') });
  });

  it.each(['wasm', 'tfjs-node', 'cpu'] as const)('is the checkpoint’s: %s', async (checkpoint: BackendName) => {
    for (const size of [SMALL, LARGE])
      expect(await chooseBackend(given().found, { ...wish, checkpoint, size })).toMatchObject({
        name: checkpoint,
        reason: 'the checkpoint was made on it',
      });
  });
});

describe('a backend that cannot be had', () => {
  const wasm: FoundBackend = { name: 'wasm', usable: false, problem: 'WebAssembly could not start' };
  const cpuOf = (found: readonly FoundBackend[]) => found.filter(({ name }) => name === 'cpu');

  it.each([
    ['tfjs-node', /not built here.*Run npm run backend:native on the worker, or let the spec say backend: auto/],
    ['tfjs-node-gpu', /Run npm run backend:native -- --gpu on the worker/],
  ] as const)('is refused with the command that builds it: %s', async (requested, message) => {
    const { found } = given({ installed: () => null });
    await expect(chooseBackend(found, { ...wish, requested })).rejects.toThrow(message);
  });

  it('is refused with the library that is missing', async () => {
    const { found } = given({
      load: () => Promise.resolve({ tensorflow: '2.21.0', isOnGpu: false }),
      missingGpuLibraries: () => ['libcublas.so.12', 'libcudnn.so.9'],
    });
    await expect(chooseBackend(found, { ...wish, requested: 'tfjs-node-gpu' })).rejects.toMatchObject({
      code: 'backend-unavailable',
      message: expect.stringContaining('libcublas.so.12, libcudnn.so.9'),
    });
  });

  it('and was the checkpoint’s is refused with how to go on without it', async () => {
    await expect(chooseBackend([wasm, ...cpuOf(own)], { ...wish, checkpoint: 'wasm' })).rejects.toThrow(
      /resume on a worker that has it.*allow a change of backend/,
    );
  });

  it('is replaced by the next one where that is allowed, and not while it can be had', async () => {
    const moving = { ...wish, checkpoint: 'wasm', mayChange: true } as const;
    const other = await chooseBackend([wasm, ...cpuOf(own)], moving);
    expect(other).toMatchObject({ name: 'cpu', reason: expect.stringContaining('WebAssembly could not start') });
    expect(await chooseBackend([...cpuOf(own), ...own], moving)).toMatchObject({
      name: 'wasm',
      reason: 'the checkpoint was made on it',
    });
  });
});
