import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore } from './checkpoint-store.js';
import { checkpointDraft } from './testing/checkpoint-draft.js';
import { InMemoryObjectStore } from './testing/index.js';

describe('a checkpoint that is given to another operation', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ktrdr-adopt-'));
    await writeFile(join(folder, 'weights.safetensors'), 'the weights');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const keysOf = async (objects: InMemoryObjectStore): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of objects.list('')) keys.push(key);
    return keys;
  };
  const BY = { operationId: 'op_training_20261122_101500_fork01', checkpointId: 'own' };

  it('has a manifest of its own and the same blobs', async () => {
    const objects = new InMemoryObjectStore();
    const store = new CheckpointStore(objects);
    const uploaded = await store.upload(checkpointDraft({ dir: folder, files: ['weights.safetensors'] }));
    const before = await keysOf(objects);
    const own = await store.adopt(uploaded, BY);
    expect(own.manifestKey).toBe(`checkpoints/${BY.operationId}/0-0-own/manifest.json`);
    expect((await keysOf(objects)).filter((key) => !before.includes(key))).toEqual([own.manifestKey]);
    const { valid, manifest } = await store.verify({ ...own, depth: 'deep' });
    expect(valid).toBe(true);
    expect(manifest).toEqual({
      ...uploaded.manifest,
      checkpoint_id: 'own',
      operation_id: BY.operationId,
      attempt: 0,
      seq: 0,
      parent_id: uploaded.manifest.checkpoint_id,
    });
  });

  it('is restored when the other one’s manifest is gone', async () => {
    const store = new CheckpointStore(new InMemoryObjectStore());
    const uploaded = await store.upload(checkpointDraft({ dir: folder, files: ['weights.safetensors'] }));
    const own = await store.adopt(uploaded, BY);
    await store.deleteManifest(uploaded.manifestKey);
    const { manifest } = await store.restore({ ...own, into: join(folder, 'restored') });
    expect(manifest.files).toEqual(uploaded.manifest.files);
  });

  it('is refused when the manifest is not what its row says', async () => {
    const store = new CheckpointStore(new InMemoryObjectStore());
    const uploaded = await store.upload(checkpointDraft({ dir: folder, files: ['weights.safetensors'] }));
    const other = { ...uploaded, manifestSha256: 'f'.repeat(64) };
    await expect(store.adopt(other, BY)).rejects.toMatchObject({ code: 'checkpoint-corrupted' });
  });
});
