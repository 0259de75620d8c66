import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore, type UploadedCheckpoint } from './checkpoint-store.js';
import { contentOf } from './reading/download.js';
import { PART_BYTES } from './parts/file-parts.js';
import { checkpointDraft } from './testing/checkpoint-draft.js';
import { InMemoryObjectStore } from './testing/in-memory-object-store.js';
import { safetensorsOf } from './testing/safetensors-file.js';

const MIB = 1024 * 1024;
const FILES = ['model.json', 'weights.safetensors'];

describe('a checkpoint with a large file', () => {
  let dir: string;
  let objects: InMemoryObjectStore;
  let store: CheckpointStore;
  const embedding = randomBytes(PART_BYTES + 3 * MIB);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-large-'));
    await mkdir(join(dir, 'spool'));
    await writeFile(join(dir, 'spool', 'model.json'), '{"layers":3}');
    objects = new InMemoryObjectStore();
    store = new CheckpointStore(objects);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** Weights of which only the kernel, and perhaps the length of the header, differ from save to save. */
  const save = async (seq: number, names: readonly string[] = ['embedding', 'kernel']) => {
    const tensors = { embedding, kernel: randomBytes(2 * MIB), ['note'.repeat(seq)]: new Uint8Array(3) };
    const { bytes } = safetensorsOf(
      Object.fromEntries([...names, 'note'.repeat(seq)].map((name) => [name, tensors[name as 'kernel']])),
    );
    await writeFile(join(dir, 'spool', 'weights.safetensors'), bytes);
    return store.upload(checkpointDraft({ dir: join(dir, 'spool'), files: FILES, seq }));
  };
  const partsOfWeights = ({ manifest }: UploadedCheckpoint) =>
    manifest.files.find(({ name }) => name === 'weights.safetensors')?.parts ?? [];
  const verdict = async (uploaded: UploadedCheckpoint) =>
    (await store.verify({ ...uploaded, depth: 'deep' })).badFiles.map(({ name, problem }) => `${name} ${problem}`);

  it('names its parts in the manifest, beside a file in one blob', async () => {
    const { manifest } = await save(1);
    expect(manifest.files.map(({ name, blob, sha256, parts }) => [name, !!blob, !!sha256, parts?.length])).toEqual([
      ['model.json', true, true, undefined],
      ['weights.safetensors', false, false, 5],
    ]);
  });

  it('comes back byte for byte', async () => {
    const uploaded = await save(1);
    const restored = await store.restore({ ...uploaded, into: join(dir, 'restored') });
    expect(restored.bytes).toBe(uploaded.bytes);
    for (const name of FILES) {
      const original = await readFile(join(dir, 'spool', name));
      expect((await readFile(join(dir, 'restored', name))).equals(original)).toBe(true);
    }
  });

  it('costs nothing for a tensor that did not change, though the header before it grew', async () => {
    await save(1);
    const { uploadedBytes, bytes } = await save(2);
    expect(bytes).toBeGreaterThan(embedding.length);
    expect(uploadedBytes).toBeLessThan(2 * MIB + 1000);
  });

  it('costs nothing for a tensor that stands at another place in another attempt', async () => {
    await save(1);
    const uploaded = await save(3, ['kernel', 'embedding']);
    expect(uploaded.uploadedBytes).toBeLessThan(2 * MIB + 1000);
    expect(await verdict(uploaded)).toEqual([]);
  });

  it('is found damaged by a part that is flipped, cut or gone, and names the file once', async () => {
    const uploaded = await save(1);
    const [, first, second, third] = partsOfWeights(uploaded);
    const body = await objects.get(first!.blob);
    body[5]! ^= 1;
    await objects.put(first!.blob, body);
    expect(await verdict(uploaded)).toEqual(['weights.safetensors wrong-hash']);
    await objects.put(second!.blob, new Uint8Array(5));
    await objects.delete(third!.blob);
    const { badFiles } = await store.verify({ ...uploaded, depth: 'deep' });
    expect(badFiles).toEqual([
      expect.objectContaining({ name: 'weights.safetensors', detail: expect.stringContaining('3 of 5 parts are bad') }),
    ]);
    await expect(store.restore({ ...uploaded, into: join(dir, 'into') })).rejects.toMatchObject({
      code: 'checkpoint-corrupted',
      badFiles: [{ name: 'weights.safetensors' }],
    });
  });

  it('is read through from end to end, up to the part that is damaged', async () => {
    const uploaded = await save(1);
    const file = uploaded.manifest.files.find(({ name }) => name === 'weights.safetensors')!;
    const read = async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of contentOf(objects, file)) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    expect((await read()).equals(await readFile(join(dir, 'spool', 'weights.safetensors')))).toBe(true);
    await objects.put(file.parts![2]!.blob, new Uint8Array(file.parts![2]!.bytes));
    await expect(read()).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
    await objects.delete(file.parts![2]!.blob);
    await expect(read()).rejects.toMatchObject({ badFile: { name: 'weights.safetensors', problem: 'missing' } });
  });
});
