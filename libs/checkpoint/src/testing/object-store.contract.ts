import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectNotFoundError, UnsafeKeyError } from '../errors.js';
import { sha256Of } from '../file-digest.js';
import type { ObjectStore } from '../ports.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);
const UNSAFE_KEYS = [
  '',
  '/',
  '/etc/passwd',
  '../up',
  'a/../../b',
  'a//b',
  'a/',
  './a',
  'a/.hidden',
  'a\\b',
  'a\0b',
  'a b',
];

/** What every object store promises, as tests. `make` gives a store that no other test writes to. */
export function describeObjectStore(name: string, make: () => Promise<ObjectStore>): void {
  describe(`${name} as an object store`, () => {
    let store: ObjectStore;
    let dir: string;

    beforeEach(async () => {
      store = await make();
      dir = await mkdtemp(join(tmpdir(), 'ktrdr-object-store-'));
    });
    afterEach(() => rm(dir, { recursive: true, force: true }));

    const keysUnder = async (prefix: string) => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys.sort();
    };

    it.each([
      ['nothing', new Uint8Array()],
      ['every byte value', EVERY_BYTE],
      ['three megabytes', new Uint8Array(3_000_000).fill(7)],
    ])('gives back %s as it was put', async (_, body) => {
      await store.put('a/b/object', body);
      expect(Buffer.from(await store.get('a/b/object')).equals(body)).toBe(true);
      expect((await store.head('a/b/object'))?.bytes).toBe(body.length);
      expect(await store.hash('a/b/object')).toEqual({ bytes: body.length, sha256: sha256Of(body) });
    });

    it('replaces an object', async () => {
      await store.put('object', bytesOf('first, and longer'));
      await store.put('object', bytesOf('second'));
      expect(await store.get('object')).toEqual(bytesOf('second'));
    });

    it('leaves one whole body when many write the same key at once', async () => {
      const bodies = Array.from({ length: 8 }, (_, i) => new Uint8Array(50_000).fill(i));
      await Promise.all(bodies.map((body) => store.put('contended', body)));
      const { sha256 } = await store.hash('contended');
      expect(bodies.map(sha256Of)).toContain(sha256);
    });

    it('keeps the caller from changing what was put', async () => {
      const body = bytesOf('original');
      await store.put('object', body);
      body.fill(0);
      (await store.get('object')).fill(0);
      expect(await store.get('object')).toEqual(bytesOf('original'));
    });

    it('says that a missing object is missing', async () => {
      expect(await store.head('no/such')).toBeNull();
      await expect(store.get('no/such')).rejects.toThrow(ObjectNotFoundError);
      await expect(store.read('no/such', new Uint8Array(1))).rejects.toThrow(ObjectNotFoundError);
      await expect(store.hash('no/such')).rejects.toThrow(ObjectNotFoundError);
      await expect(store.getToFile('no/such', join(dir, 'file'))).rejects.toThrow(ObjectNotFoundError);
      expect(await readdir(dir)).toEqual([]);
    });

    it('does not take a folder for an object', async () => {
      await store.put('folder/object', EVERY_BYTE);
      expect(await store.head('folder')).toBeNull();
      await expect(store.get('folder')).rejects.toThrow(ObjectNotFoundError);
      await expect(store.hash('folder')).rejects.toThrow(ObjectNotFoundError);
    });

    it('carries an object into a file and hashes it on the way', async () => {
      const body = new Uint8Array(2_500_001).map((_, i) => i % 251);
      await store.put('files/one', body);
      const digest = await store.getToFile('files/one', join(dir, 'out'));
      expect(digest).toEqual({ bytes: body.length, sha256: sha256Of(body) });
      expect((await readFile(join(dir, 'out'))).equals(body)).toBe(true);
      expect(await readdir(dir)).toEqual(['out']);
    });

    it('carries an empty object', async () => {
      await store.put('files/empty', new Uint8Array());
      const digest = { bytes: 0, sha256: sha256Of(new Uint8Array()) };
      expect(await store.getToFile('files/empty', join(dir, 'out'))).toEqual(digest);
      expect(await store.read('files/empty', new Uint8Array(4))).toBe(0);
    });

    it('reads an object into memory that is there, as much of it as fits', async () => {
      const body = new Uint8Array(2_500_001).map((_, i) => i % 251);
      await store.put('files/one', body);
      const roomy = new Uint8Array(body.length + 3).fill(9);
      expect(await store.read('files/one', roomy)).toBe(body.length);
      expect(Buffer.from(roomy).equals(Buffer.concat([body, Uint8Array.of(9, 9, 9)]))).toBe(true);
      const narrow = new Uint8Array(1000);
      expect(await store.read('files/one', narrow)).toBe(body.length);
      expect(narrow).toEqual(body.subarray(0, 1000));
    });

    it('knows when an object was stored', async () => {
      const before = Date.now();
      await store.put('object', EVERY_BYTE);
      const modifiedAt = (await store.head('object'))?.modifiedAt.getTime() ?? 0;
      expect(Math.abs(modifiedAt - before)).toBeLessThan(60_000);
    });

    it('deletes an object, and deleting it again succeeds', async () => {
      await store.put('a/b', EVERY_BYTE);
      await store.delete('a/b');
      await store.delete('a/b');
      await store.delete('never/was');
      expect(await store.head('a/b')).toBeNull();
      await store.put('a/b', EVERY_BYTE);
      expect(await store.head('a/b')).not.toBeNull();
    });

    it('lists what starts with the prefix and nothing else', async () => {
      const keys = ['a/1', 'a/2/x', 'a/2/y', 'ab/3', 'b'];
      await Promise.all(keys.map((key) => store.put(key, bytesOf(key))));
      expect(await keysUnder('')).toEqual(keys);
      expect(await keysUnder('a/')).toEqual(['a/1', 'a/2/x', 'a/2/y']);
      expect(await keysUnder('a')).toEqual(['a/1', 'a/2/x', 'a/2/y', 'ab/3']);
      expect(await keysUnder('a/2/x')).toEqual(['a/2/x']);
      expect(await keysUnder('none/')).toEqual([]);
      for await (const listed of store.list('ab/')) {
        expect(listed).toMatchObject({ key: 'ab/3', bytes: 4 });
        expect(Date.now() - listed.modifiedAt.getTime()).toBeLessThan(60_000);
      }
    });

    it.each(UNSAFE_KEYS)('refuses the key %j', async (key) => {
      await expect(store.put(key, EVERY_BYTE)).rejects.toThrow(UnsafeKeyError);
      await expect(store.get(key)).rejects.toThrow(UnsafeKeyError);
      await expect(store.head(key)).rejects.toThrow(UnsafeKeyError);
      await expect(store.hash(key)).rejects.toThrow(UnsafeKeyError);
      await expect(store.delete(key)).rejects.toThrow(UnsafeKeyError);
      await expect(store.read(key, new Uint8Array(1))).rejects.toThrow(UnsafeKeyError);
      await expect(store.getToFile(key, join(dir, 'out'))).rejects.toThrow(UnsafeKeyError);
    });

    it.each(['../', '/etc/', 'a/../'])('refuses to list %j', async (prefix) => {
      await expect(keysUnder(prefix)).rejects.toThrow(UnsafeKeyError);
    });

    it('passes its own check and shows no trace of it', async () => {
      await store.check();
      expect(await keysUnder('')).toEqual([]);
    });
  });
}
