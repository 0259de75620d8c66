import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileObjectStore } from './file-object-store.js';
import { SMALL_FILE_BYTES, SmallFiles } from './small-files.js';

describe('small files, read in a thread', () => {
  let dir: string;
  let files: SmallFiles;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-small-files-'));
    files = new SmallFiles();
    files.start();
  });
  afterEach(async () => {
    await files.close();
    await rm(dir, { recursive: true });
  });

  const given = async (name: string, bytes: Uint8Array | string): Promise<string> => {
    await writeFile(join(dir, name), bytes);
    return join(dir, name);
  };

  it.each([
    ['abcde', 5],
    ['abcde', 6],
    ['', 0],
    ['', 10],
  ])('gives "%s" where %i bytes are allowed', async (text, atMost) => {
    const read = await files.read(await given('a', text), atMost);
    expect(read && Buffer.from(read).toString()).toBe(text);
  });

  it('reads nothing of one that is longer', async () => {
    await expect(files.read(await given('a', 'abcde'), 4)).resolves.toBeNull();
  });

  it('gives each of many its own bytes, in whatever order they are asked for', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const name of names) await given(name, Buffer.alloc(100 + Number(name) * 1000, name));
    const early = names.slice(0, 25).map((name) => files.read(join(dir, name), SMALL_FILE_BYTES));
    await new Promise((resolve) => setImmediate(resolve)); // the first batch is under way
    const late = names.slice(25).map((name) => files.read(join(dir, name), SMALL_FILE_BYTES));
    const read = await Promise.all([...early, ...late]);
    for (const [index, bytes] of read.entries())
      expect(Buffer.from(bytes ?? [])).toEqual(Buffer.alloc(100 + index * 1000, `${index}`));
  });

  it('says what the system says of each, and of no other', async () => {
    const [missing, folder, fine] = await Promise.allSettled([
      files.read(join(dir, 'none'), 10),
      files.read(dir, 10),
      files.read(await given('a', 'abc'), 10),
    ]);
    expect(missing).toMatchObject({ reason: { code: 'ENOENT', syscall: 'open' } });
    expect(folder).toMatchObject({ reason: { code: 'EISDIR' } });
    expect(fine).toMatchObject({ status: 'fulfilled' });
  });

  it('reads nothing when its thread ends under it, and again with the next', async () => {
    const path = await given('a', 'abc');
    await files.read(path, 10);
    const reading = files.read(path, 10);
    const closed = new Promise((resolve) => setImmediate(() => resolve(files.close())));
    const read = await reading;
    expect(read === null || Buffer.from(read).toString() === 'abc').toBe(true);
    await closed;
    expect(Buffer.from((await files.read(path, 10)) ?? []).toString()).toBe('abc');
  });

  it('does not wait for the writer of a pipe', async () => {
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(files.read(pipe, 10)).rejects.toMatchObject({ code: 'ESPIPE' });
  });

  it('keeps no process alive', async () => {
    const ports = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    await files.close();
    const before = ports();
    files.start();
    expect(ports()).toBe(before);
  });

  it('is used by a store for small objects, which reads the others itself', async () => {
    const given: (Uint8Array | null)[] = [];
    const noted = async (path: string, atMost: number): Promise<Uint8Array | null> => {
      const read = await files.read(path, atMost);
      given.push(read);
      return read;
    };
    const store = new FileObjectStore(join(dir, 'store'), { read: noted });
    const large = Buffer.alloc(SMALL_FILE_BYTES + 1, 'x');
    await store.put('small', Buffer.from('abc'));
    await store.put('large', large);
    expect(Buffer.from(await store.get('small')).toString()).toBe('abc');
    const into = Buffer.alloc(3);
    await expect(store.read('small', into)).resolves.toBe(3);
    expect(into.toString()).toBe('abc');
    expect(given.map((read) => read?.length)).toEqual([3, 3]);
    // Of another size than was asked for.
    await expect(store.read('small', Buffer.alloc(2))).resolves.toBe(3);
    await expect(store.read('small', Buffer.alloc(9))).resolves.toBe(3);
    expect(Buffer.from(await store.get('large'))).toEqual(large);
    await expect(store.read('large', Buffer.alloc(large.length))).resolves.toBe(large.length);
    await expect(store.get('none')).rejects.toMatchObject({ code: 'object-not-found' });
    await expect(store.read('none', Buffer.alloc(1))).rejects.toMatchObject({ code: 'object-not-found' });
  });
});
