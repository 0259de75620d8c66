import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LocalFileError, ObjectNotFoundError, ObjectStoreUnavailableError } from '@ktrdr/checkpoint';
import { describeObjectStore } from '@ktrdr/checkpoint/testing';
import { FileObjectStore } from './file-object-store.js';

const made: string[] = [];
async function makeDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ktrdr-file-store-'));
  made.push(dir);
  return dir;
}
afterAll(() => Promise.all(made.map((dir) => rm(dir, { recursive: true, force: true }))));

describeObjectStore('FileObjectStore', async () => new FileObjectStore(join(await makeDirectory(), 'made', 'on use')));

describe('FileObjectStore', () => {
  const body = Uint8Array.of(1, 2, 3);
  let root: string;
  let store: FileObjectStore;

  beforeEach(async () => {
    root = join(await makeDirectory(), 'store');
    store = new FileObjectStore(root);
  });

  it('names itself by a file URL', () => {
    expect(store.url).toBe(`file://${root}`);
  });

  it('keeps each object as the file of that name', async () => {
    await store.put('blobs/sha256/ab/abcd', body);
    expect(new Uint8Array(await readFile(join(root, 'blobs/sha256/ab/abcd')))).toEqual(body);
  });

  it('leaves no temporary file behind, after a refusal neither', async () => {
    await store.put('a/one', body);
    await expect(store.put('a', body)).rejects.toThrow(ObjectStoreUnavailableError);
    expect(await readdir(join(root, 'a'))).toEqual(['one']);
    expect((await readdir(root)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('stores nothing rather than what the caller has made of the bytes since they were taken', async () => {
    const given = Uint8Array.from(body);
    let isRemoved = false;
    const putting = store.put('a/one', given, () => {
      given.fill(9);
      if (!isRemoved) rmSync(join(root, 'a'), { recursive: true }); // as another process may, though it should not
      isRemoved = true;
    });
    await expect(putting).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.head('a/one')).resolves.toBeNull();
    await store.put('a/one', body);
    expect(await store.get('a/one')).toEqual(Buffer.from(body));
  });

  it('does not show unfinished writes, and removes those that are older than asked for', async () => {
    await store.put('a/one', body);
    const abandoned = join(root, 'a', '.two.0123456789ab.tmp');
    await writeFile(abandoned, 'half');
    const keys = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['a/one']);
    expect(await store.removeAbandonedWrites(new Date(Date.now() - 60_000))).toBe(0);
    await utimes(abandoned, new Date(0), new Date(0));
    expect(await store.removeAbandonedWrites(new Date(Date.now() - 60_000))).toBe(1);
    expect(await readdir(join(root, 'a'))).toEqual(['one']);
  });

  it('stores nothing, and makes no new root, when its folder is gone in the middle of a write', async () => {
    await store.put('a/one', body);
    const writes = Array.from({ length: 50 }, (_, n) => store.put(`b${n}/two`, new Uint8Array(1024 * 1024)));
    const outcomes = Promise.allSettled(writes);
    await rename(root, `${root}-away`);
    const refused = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused)
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(ObjectStoreUnavailableError);
    await expect(readdir(root)).rejects.toThrow('ENOENT');
    await rename(`${root}-away`, root);
    await store.put('c/three', body);
  });

  it('removes folders that a delete leaves empty, and writes to them again', async () => {
    await store.put('checkpoints/op/1-1-a/manifest.json', body);
    await store.put('checkpoints/op/1-2-b/manifest.json', body);
    await store.delete('checkpoints/op/1-1-a/manifest.json');
    expect(await readdir(join(root, 'checkpoints/op'))).toEqual(['1-2-b']);
    await store.put('checkpoints/op/1-1-a/manifest.json', body);
    expect(await store.get('checkpoints/op/1-1-a/manifest.json')).toEqual(Buffer.from(body));
  });

  it('loses no write to a folder that deletes are emptying', async () => {
    const other = new FileObjectStore(root);
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await store.put(`shared/folder/${i}`, body);
        await Promise.all([other.delete(`shared/folder/${i}`), store.put(`shared/folder/kept-${i}`, body)]);
        await store.delete(`shared/folder/kept-${i}`);
        await store.put(`shared/folder/last-${i}`, body);
      }),
    );
    expect((await readdir(join(root, 'shared/folder'))).length).toBe(40);
  });

  it('does not write again from memory that it has given back', async () => {
    const lent = Buffer.alloc(100, 'a');
    const put = store.put('made/one', lent, () => {
      if (lent[0] === 'a'.charCodeAt(0)) rmSync(join(root, 'made'), { recursive: true });
      lent.fill('b');
    });
    await expect(put).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.head('made/one')).resolves.toBeNull();
  });

  it('says that it is unavailable, not that objects are missing, when its disk is gone', async () => {
    await store.put('a/one', body);
    await rename(root, `${root}-unmounted`);
    await expect(store.get('a/one')).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.head('a/one')).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.put('a/two', body)).rejects.toThrow(ObjectStoreUnavailableError);
    await expect(store.check()).rejects.toThrow(/unmounted/);
    await mkdir(root);
    await expect(store.hash('a/one')).rejects.toThrow(ObjectStoreUnavailableError);
    await rm(root, { recursive: true });
    await rename(`${root}-unmounted`, root);
    expect(await store.head('a/one')).toMatchObject({ bytes: 3 });
  });

  it('says why it cannot be used when its directory cannot be made, and recovers', async () => {
    await writeFile(root, 'a file where the directory should be');
    await expect(store.put('key', body)).rejects.toThrow(ObjectStoreUnavailableError);
    await rm(root);
    await store.put('key', body);
    expect(await store.head('key')).toMatchObject({ bytes: 3 });
  });

  it('blames the local file, not the store, when a download cannot be written', async () => {
    await store.put('key', body);
    await expect(store.getToFile('key', join(root, 'no', 'such', 'folder', 'file'))).rejects.toThrow(LocalFileError);
  });

  it('lists nothing that a link leads to', async () => {
    await store.put('a/one', body);
    await symlink(dirname(root), join(root, 'a', 'link'));
    const keys = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['a/one']);
  });

  const asRoot = process.getuid?.() === 0;
  (asRoot ? it.skip : it)('says that access was denied', async () => {
    await store.put('a/one', body);
    await chmod(join(root, 'a'), 0o500);
    await expect(store.put('a/two', body)).rejects.toThrow(/access was denied/);
    await chmod(join(root, 'a'), 0o700);
  });

  it('tells a missing object from an unavailable store', async () => {
    await expect(store.get('a/one')).rejects.toThrow(ObjectNotFoundError);
    await store.put('a', body);
    await expect(store.get('a/one')).rejects.toThrow(ObjectNotFoundError);
    await expect(store.put('a/one', body)).rejects.toThrow(ObjectStoreUnavailableError);
  });
});
