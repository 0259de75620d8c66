import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, mkdtemp, open, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { EarlyBlobs } from './blob-writer.js';
import { CheckpointStore } from './checkpoint-store.js';
import { ObjectStoreUnavailableError, SourceFileChangedError, UnsafeKeyError } from './errors.js';
import { PART_BYTES } from './parts/file-parts.js';
import { checkpointDraft } from './testing/checkpoint-draft.js';
import { InMemoryObjectStore } from './testing/in-memory-object-store.js';
import { safetensorsOf } from './testing/safetensors-file.js';

const MIB = 1024 * 1024;
const { operation_id, attempt } = checkpointDraft({ dir: '', files: [] });

describe('files that are stored while they are written', () => {
  let root: string;
  let partial: string;
  let dir: string;
  let objects: InMemoryObjectStore;
  let store: CheckpointStore;
  let puts: string[];
  let isWritten: boolean;
  let abort: AbortController;
  let contents: Readonly<Record<string, Uint8Array>>;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ktrdr-early-'));
    dir = join(root, 'save');
    partial = `${dir}.partial`;
    await mkdir(partial);
    ({ objects, store, puts } = givenStore());
    isWritten = false;
    abort = new AbortController();
    const tensors = {
      embedding: randomBytes(PART_BYTES + 3 * MIB),
      bias: randomBytes(17),
      kernel: randomBytes(2 * MIB),
    };
    contents = {
      'model.json': Buffer.from('{"layers":3}'),
      'weights.safetensors': safetensorsOf(tensors).bytes,
      'log.bin': randomBytes(PART_BYTES + 5),
      'empty.txt': Buffer.alloc(0),
    };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  function givenStore() {
    const inMemory = new InMemoryObjectStore();
    const put = inMemory.put.bind(inMemory);
    const sent: string[] = [];
    inMemory.put = async (key, body) => {
      await put(key, body);
      sent.push(key);
    };
    return { objects: inMemory, store: new CheckpointStore(inMemory), puts: sent };
  }

  const names = () => Object.keys(contents);
  const startEarly = (files = names().map((name) => ({ name, bytes: contents[name]!.length }))) =>
    store.startEarly({
      dir: partial,
      files,
      operation_id,
      attempt,
      at: new Date(),
      isWritten: () => isWritten,
      signal: abort.signal,
    });
  const upload = (early: EarlyBlobs | null, change = {}) =>
    store.upload(checkpointDraft({ dir, files: names(), early, ...change }));
  const write = (name: string, part: Uint8Array, folder = partial) =>
    writeFile(join(folder, name), part, { flag: 'a' });
  const finish = async () => {
    await rename(partial, dir);
    isWritten = true;
  };
  const writeAll = async () => {
    for (const name of names()) await write(name, contents[name]!);
  };
  const writtenEarly = async () => {
    await writeAll();
    const early = await startEarly();
    await finish();
    return early;
  };
  /** Of the files in this folder, wherever it is now. */
  const openFiles = async () => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((link) => link.startsWith(root));
  };
  const until = async (what: string, isSo: () => boolean | Promise<boolean>) => {
    const deadline = performance.now() + 10_000;
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`Not seen: ${what}`);
      await turn();
    }
  };
  const blobs = (keys: readonly string[]) => keys.filter((key) => key.startsWith('blobs/'));

  it('have the entries that they get when they are finished, though they grew in odd pieces', async () => {
    const storing = startEarly();
    const left = new Map(Object.entries(contents));
    for (let piece = 1; left.size > 0; piece = piece * 3 + 1) {
      for (const [name, rest] of left) {
        await write(name, rest.subarray(0, piece));
        if (rest.length <= piece) left.delete(name);
        else left.set(name, rest.subarray(piece));
      }
      await turn();
    }
    const early = await storing;
    await finish();
    const uploaded = await upload(early);
    const plain = givenStore();
    const expected = await plain.store.upload(checkpointDraft({ dir, files: names() }));
    expect(JSON.stringify(uploaded.manifest.files)).toBe(JSON.stringify(expected.manifest.files));
    expect(uploaded.manifest.files.find(({ name }) => name === 'weights.safetensors')?.parts?.length).toBeGreaterThan(
      3,
    );
    expect(uploaded.bytes).toBe(expected.bytes);
    expect(uploaded.uploadedBytes).toBe(expected.uploadedBytes);
    expect(blobs(puts).toSorted()).toEqual(blobs(plain.puts).toSorted());
    expect((await store.verify({ ...uploaded, depth: 'deep' })).badFiles).toEqual([]);
    expect(await openFiles()).toEqual([]);
  });

  it('are stored part by part before they are finished, one file after the other', async () => {
    const storing = startEarly();
    await write('model.json', contents['model.json']!);
    await until('the first file stored', () => puts.length === 1);
    await write('log.bin', contents['log.bin']!.subarray(0, PART_BYTES));
    await until('the first part of a file stored', () => puts.length === 2);
    await write('log.bin', contents['log.bin']!.subarray(PART_BYTES));
    await write('weights.safetensors', contents['weights.safetensors']!.subarray(0, PART_BYTES + 4 * MIB));
    await until('the parts of the large tensor stored', () => puts.length === 7);
    await write('weights.safetensors', contents['weights.safetensors']!.subarray(PART_BYTES + 4 * MIB));
    await write('empty.txt', Buffer.alloc(0));
    const early = await storing;
    await finish();
    puts.length = 0;
    await upload(early);
    expect(puts.map((key) => key.split('/')[0])).toEqual(['checkpoints']);
  });

  it('are followed though their folder is renamed half-way', async () => {
    const storing = startEarly();
    const files = new Map<string, FileHandle>();
    for (const name of names()) {
      const file = await open(join(partial, name), 'wx');
      files.set(name, file);
      await file.write(contents[name]!.subarray(0, contents[name]!.length >> 1));
    }
    await until('all are followed', async () => (await openFiles()).length === 2 * files.size);
    await rename(partial, dir);
    for (const [name, file] of files) {
      await file.write(contents[name]!.subarray(contents[name]!.length >> 1));
      await file.close();
    }
    isWritten = true;
    const early = await storing;
    expect(early.files.map(({ entry }) => [entry.name, entry.bytes])).toEqual(
      names().map((name) => [name, contents[name]!.length]),
    );
    expect((await upload(early)).uploadedBytes).toBe(early.uploadedBytes);
  });

  it('are given up when the writer stops short, or goes on for too long', async () => {
    const storing = startEarly();
    storing.catch(() => undefined);
    await write('log.bin', contents['log.bin']!.subarray(0, PART_BYTES));
    await until('something stored', () => puts.length > 0);
    isWritten = true;
    await expect(storing).rejects.toThrow(SourceFileChangedError);
    await expect(startEarly([{ name: 'log.bin', bytes: 5 }])).rejects.toThrow(SourceFileChangedError);
    expect(await openFiles()).toEqual([]);
  });

  it('are left out where one was gone with its folder before it was seen', async () => {
    const storing = startEarly();
    await write('log.bin', contents['log.bin']!);
    await until('the file is followed', () => puts.length > 0);
    await rename(partial, dir);
    for (const name of names()) if (name !== 'log.bin') await write(name, contents[name]!, dir);
    isWritten = true;
    const early = await storing;
    expect(early.files.map(({ entry }) => entry.name)).toEqual(['log.bin']);
    const uploaded = await upload(early);
    expect(uploaded.manifest.files).toHaveLength(names().length);
    expect(uploaded.uploadedBytes).toBe(uploaded.bytes);
    expect((await store.verify({ ...uploaded, depth: 'deep' })).badFiles).toEqual([]);
  });

  it('are given up when nobody wants them any more, and closed though the store does not answer', async () => {
    const answer = Promise.withResolvers<void>();
    objects.put = () => answer.promise;
    const storing = startEarly();
    storing.catch(() => undefined);
    await write('model.json', contents['model.json']!);
    await until('the file is followed', async () => (await openFiles()).length > 0);
    abort.abort(new Error('superseded'));
    await until('the file is closed', async () => (await openFiles()).length === 0);
    answer.resolve();
    await expect(storing).rejects.toThrow('superseded');
    await expect(startEarly()).rejects.toThrow('superseded');
  });

  it('are given up when the store goes away, and the upload then does everything', async () => {
    objects.setReachable(false);
    await writeAll();
    await expect(startEarly()).rejects.toThrow(ObjectStoreUnavailableError);
    expect(await openFiles()).toEqual([]);
    objects.setReachable(true);
    await finish();
    const uploaded = await upload(null);
    expect(uploaded.uploadedBytes).toBe(uploaded.bytes);
  });

  const overwrite = async (path: string) => {
    const file = await open(path, 'r+');
    await file.write(Buffer.from('other'), 0, 5, 0);
    await file.close();
  };
  it.each([
    ['has another size', (path: string) => writeFile(path, 'more', { flag: 'a' })],
    ['was written to', overwrite],
    ['is another file', (path: string) => rename(join(root, 'other'), path)],
  ])('are read anew where one %s afterwards', async (_, change) => {
    await writeFile(join(root, 'other'), randomBytes(PART_BYTES + 5));
    const early = await writtenEarly();
    await change(join(dir, 'log.bin'));
    const uploaded = await upload(early);
    const { manifest } = await givenStore().store.upload(checkpointDraft({ dir, files: names() }));
    expect(uploaded.manifest.files).toEqual(manifest.files);
    expect(uploaded.uploadedBytes).toBeGreaterThan(early.uploadedBytes);
  });

  it('are read anew where a blob of theirs was found damaged meanwhile', async () => {
    const early = await writtenEarly();
    const first = await upload(early);
    const { blob } = first.manifest.files.find(({ name }) => name === 'model.json')!;
    await objects.put(blob!, Buffer.from('{"layers":4}'));
    await store.verify({ ...first, depth: 'deep' });
    const again = await upload(early, { seq: 8 });
    expect((await store.verify({ ...again, depth: 'deep' })).badFiles).toEqual([]);
  });

  it('are not sent again where the store has their blobs, neither now nor by the next save', async () => {
    await writeAll();
    await finish();
    const before = await upload(null);
    puts.length = 0;
    let read = 0;
    objects.hash = () => Promise.reject(new Error(`unread blobs were not trusted ${(read += 1)}`));
    await rename(dir, partial);
    const early = await startEarly();
    expect([puts, early.uploadedBytes]).toEqual([[], 0]);
    await rename(partial, dir);
    expect((await upload(early, { seq: 8 })).manifest.files).toEqual(before.manifest.files);
    expect((await upload(null, { seq: 9 })).uploadedBytes).toBe(0);
    expect([blobs(puts), read]).toEqual([[], 0]);
  });

  it('tell of each blob once when they are uploaded, and of none before', async () => {
    contents = { ...contents, 'copy.bin': contents['log.bin']! };
    const reached: string[] = [];
    const reach = (point: string) => Promise.resolve(void reached.push(point));
    store = new CheckpointStore(objects, { reach } as never);
    const early = await writtenEarly();
    expect(reached).toEqual([]);
    await upload(early);
    expect(reached.filter((point) => point === 'upload.blob-stored')).toHaveLength(blobs(puts).length);
  });

  it('are sent four parts at a time, whatever is there already', async () => {
    let sending = 0;
    let most = 0;
    const put = objects.put.bind(objects);
    objects.put = async (key, body) => {
      sending += 1;
      most = Math.max(most, sending);
      await until('four at once', () => most === 4);
      for (let turns = 0; turns < 20; turns += 1) await turn();
      await put(key, body);
      sending -= 1;
    };
    contents = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.bin`, randomBytes(3 * PART_BYTES)]));
    for (const name of names()) await write(name, contents[name]!);
    await startEarly();
    expect([puts.length, most]).toEqual([9, 4]);
  });

  it('must have names that a file of a checkpoint can have', async () => {
    await expect(startEarly([{ name: '../secret', bytes: 1 }])).rejects.toThrow(UnsafeKeyError);
  });
});
