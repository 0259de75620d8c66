import { givenCheckpoint } from '@ktrdr/operations/testing';
import { sha256Of } from '../file-digest.js';
import { blobKey, manifestKey } from '../keys.js';
import { STORE_OWNER_KEY } from './store-owner.js';
import { SweepOrphans, type SweepRequest } from './sweep-orphans.js';
import { InMemoryGarbageStore } from '../testing/in-memory-garbage-store.js';
import { InMemoryObjectStore } from '../testing/in-memory-object-store.js';

const HOUR_MS = 3_600_000;

function given() {
  let nowMs = 0;
  let nextId = 0;
  const objects = new InMemoryObjectStore(() => new Date(nowMs));
  const garbage = new InMemoryGarbageStore();
  const sweep = (options: Partial<SweepRequest> = {}) =>
    new SweepOrphans(objects, garbage, garbage, garbage).execute({
      modifiedBefore: new Date(nowMs - 24 * HOUR_MS),
      dryRun: false,
      ...options,
    });
  const upload = async (...contents: string[]) => {
    const files = contents.map((content) => {
      const bytes = new TextEncoder().encode(content);
      const sha256 = sha256Of(bytes);
      return { name: content, bytes: bytes.length, sha256, blob: blobKey(sha256), content: bytes };
    });
    for (const { blob, content } of files) await objects.put(blob, content);
    nextId += 1;
    const id = `c${nextId}`;
    const key = manifestKey({ operationId: 'op', attempt: 1, seq: nextId, checkpointId: id });
    await objects.put(key, new Uint8Array(5));
    return givenCheckpoint({ id, manifestKey: key, files: files.map(({ content: _content, ...file }) => file) });
  };
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of objects.list('')) if (key !== STORE_OWNER_KEY) found.push(key);
    return found.sort();
  };
  const laterByHours = (hours: number) => void (nowMs += hours * HOUR_MS);
  return { objects, garbage, sweep, upload, keys, laterByHours };
}

const CLEAN = { manifests: 0, blobs: 0, bytes: 0, youngerThanGrace: 0, damaged: 0, skipped: null };

describe('SweepOrphans', () => {
  it('removes what was never committed once it is old enough, and nothing that is named', async () => {
    const { garbage, sweep, upload, keys, laterByHours } = given();
    const kept = await upload('shared', 'own');
    garbage.commit(kept);
    await upload('shared', 'lost');
    laterByHours(23);
    expect(await sweep()).toEqual({ ...CLEAN, youngerThanGrace: 2 });
    laterByHours(2);
    expect(await sweep({ dryRun: true })).toEqual({ ...CLEAN, manifests: 1, blobs: 1, bytes: 9 });
    expect(await sweep()).toEqual({ ...CLEAN, manifests: 1, blobs: 1, bytes: 9 });
    expect(await keys()).toEqual([kept.manifestKey, ...kept.files.map(({ blob }) => blob)].sort());
    expect(await sweep()).toEqual(CLEAN);
  });

  it('leaves alone what was stored again after it was listed', async () => {
    const { objects, garbage, sweep, upload, laterByHours } = given();
    garbage.commit(await upload('anything'));
    const { files } = await upload('again');
    laterByHours(25);
    const collect = garbage.collect.bind(garbage);
    garbage.collect = async (kind, listed, remove) => {
      if (kind === 'blob') await objects.put(files[0]?.blob ?? '', new TextEncoder().encode('again'));
      await collect(kind, listed, remove);
    };
    expect(await sweep()).toMatchObject({ manifests: 1, blobs: 0 });
    expect(await objects.head(files[0]?.blob ?? '')).not.toBeNull();
  });

  it('leaves alone what has no place in the layout', async () => {
    const { objects, sweep, keys, laterByHours } = given();
    await objects.put('notes/by-hand.txt', new Uint8Array(1));
    await objects.put('blobs/sha256/aa/odd', new Uint8Array(1));
    await sweep();
    laterByHours(1000);
    expect(await sweep()).toEqual(CLEAN);
    expect(await keys()).toEqual(['blobs/sha256/aa/odd', 'notes/by-hand.txt']);
  });

  it('marks committed checkpoints that lack an object, once, and removes nothing of them', async () => {
    const { objects, garbage, sweep, upload, laterByHours } = given();
    const whole = await upload('whole');
    const broken = await upload('a', 'b');
    const headless = await upload('c');
    [whole, broken, headless].forEach((checkpoint) => garbage.commit(checkpoint));
    await objects.delete(broken.files[1]?.blob ?? '');
    await objects.delete(headless.manifestKey);
    laterByHours(1000);
    expect(await sweep({ dryRun: true })).toEqual({ ...CLEAN, damaged: 2 });
    expect(garbage.damaged.size).toBe(0);
    expect(await sweep()).toEqual({ ...CLEAN, damaged: 2 });
    expect(garbage.damaged.get(broken.id)).toMatchObject([{ name: 'b', problem: 'missing' }]);
    expect(garbage.damaged.get(headless.id)).toMatchObject([{ name: 'manifest.json', problem: 'missing' }]);
    expect(await sweep()).toEqual(CLEAN);
    expect(await objects.head(broken.manifestKey)).not.toBeNull();
  });

  it('goes through more objects and rows than fit into one batch', async () => {
    const { garbage, sweep, upload, keys, laterByHours } = given();
    for (let n = 0; n < 450; n += 1) {
      const uploaded = await upload(`content ${n}`, 'shared');
      if (n % 2 === 0) garbage.commit(uploaded);
    }
    laterByHours(25);
    expect(await sweep()).toMatchObject({ manifests: 225, blobs: 225, damaged: 0 });
    expect(await keys()).toHaveLength(225 + 226);
  });

  it('does not touch the store of another deployment', async () => {
    const { objects, garbage, sweep, upload, keys, laterByHours } = given();
    garbage.commit(await upload('ours'));
    await upload('orphan');
    await sweep();
    laterByHours(25);
    const unrelated = new InMemoryGarbageStore('a stranger');
    const stranger = new SweepOrphans(objects, unrelated, unrelated, unrelated);
    const before = await keys();
    const report = await stranger.execute({ modifiedBefore: new Date(1e15), dryRun: false });
    expect(report).toEqual({ ...CLEAN, skipped: expect.stringContaining('another deployment') });
    expect(await keys()).toEqual(before);
  });

  it('does not take over a store of whose checkpoints it knows none', async () => {
    const { sweep, upload, keys, laterByHours } = given();
    await upload('of somebody else');
    laterByHours(1000);
    expect(await sweep()).toEqual({ ...CLEAN, skipped: expect.stringContaining('knows none of the checkpoints') });
    expect(await keys()).toHaveLength(2);
  });

  it('stops between batches when it is told to', async () => {
    const { garbage, sweep, upload, keys, laterByHours } = given();
    garbage.commit(await upload('kept'));
    await upload('orphan');
    laterByHours(25);
    await expect(sweep({ signal: AbortSignal.abort() })).rejects.toThrow();
    expect(await keys()).toHaveLength(4);
  });

  it('marks nothing while the store does not answer', async () => {
    const { objects, garbage, sweep, upload } = given();
    garbage.commit(await upload('there'));
    objects.setReachable(false);
    await expect(sweep()).rejects.toMatchObject({ code: 'object-store-unavailable' });
    expect(garbage.damaged.size).toBe(0);
  });
});
