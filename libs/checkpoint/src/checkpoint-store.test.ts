import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore, QUICK_HASH_LIMIT_BYTES, type UploadedCheckpoint } from './checkpoint-store.js';
import {
  CheckpointDamagedError,
  CheckpointUploadError,
  LocalFileError,
  ManifestIncompatibleError,
  ObjectStoreUnavailableError,
  ObjectUnreadableError,
  UnsafeKeyError,
} from './errors.js';
import { sha256Of } from './file-digest.js';
import { checkpointDraft } from './testing/checkpoint-draft.js';
import { InMemoryObjectStore } from './testing/in-memory-object-store.js';

const LARGE = QUICK_HASH_LIMIT_BYTES + 17;
const FILES = ['model.json', 'state.json', 'weights.safetensors'];

describe('CheckpointStore', () => {
  let dir: string;
  let spool: string;
  let objects: InMemoryObjectStore;
  let store: CheckpointStore;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-checkpoint-'));
    spool = join(dir, 'spool');
    await mkdir(spool);
    await writeFile(join(spool, 'model.json'), '{"layers":3}');
    await writeFile(join(spool, 'state.json'), '{"step":1400}');
    await writeFile(join(spool, 'weights.safetensors'), new Uint8Array(LARGE).fill(9));
    objects = new InMemoryObjectStore();
    store = new CheckpointStore(objects);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const upload = (change = {}) => store.upload(checkpointDraft({ dir: spool, files: FILES, ...change }));
  const blobOf = ({ manifest }: UploadedCheckpoint, name: string) =>
    manifest.files.find((file) => file.name === name)?.blob ?? '';
  const flip = async (key: string) => {
    const body = await objects.get(key);
    body[3] = (body[3] ?? 0) ^ 1;
    await objects.put(key, body);
  };
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of objects.list('')) found.push(key);
    return found;
  };
  const verdict = async (uploaded: UploadedCheckpoint, depth: 'quick' | 'deep') => {
    const { valid, badFiles } = await store.verify({ ...uploaded, depth });
    expect(valid).toBe(badFiles.length === 0);
    return badFiles.map(({ name, problem }) => `${name} ${problem}`);
  };

  describe('upload', () => {
    it('stores every file under its hash and a manifest that names them', async () => {
      const uploaded = await upload();
      expect(uploaded.bytes).toBe(LARGE + 25);
      expect(uploaded.uploadedBytes).toBe(LARGE + 25);
      expect(uploaded.manifestKey).toMatch(/^checkpoints\/op_training_.*\/2-7-01JD.*\/manifest\.json$/);
      expect(sha256Of(await objects.get(uploaded.manifestKey))).toBe(uploaded.manifestSha256);
      expect(uploaded.manifest).toMatchObject({ kind: 'periodic', step: 1400, epoch: 25, attempt: 2, seq: 7 });
      const body = await objects.get(blobOf(uploaded, 'model.json'));
      expect(body).toEqual(new Uint8Array(await readFile(join(spool, 'model.json'))));
    });

    it('writes the manifest after every blob', async () => {
      const order: string[] = [];
      const put = objects.put.bind(objects);
      objects.put = async (key, body) => {
        order.push(key.split('/')[0] ?? '');
        await put(key, body);
      };
      await upload();
      expect(order).toEqual(['blobs', 'blobs', 'blobs', 'checkpoints']);
    });

    it('sends nothing that the store has already', async () => {
      const first = await upload();
      await writeFile(join(spool, 'state.json'), '{"step":1500}');
      const second = await upload({ seq: 8 });
      expect(second.uploadedBytes).toBe(13);
      expect(second.bytes).toBe(first.bytes);
      expect(await keys()).toHaveLength(4 + 2);
    });

    it('sends the same content once, under however many names', async () => {
      await writeFile(join(spool, 'best.safetensors'), new Uint8Array(LARGE).fill(9));
      const uploaded = await upload({ files: [...FILES, 'best.safetensors'] });
      expect(uploaded.uploadedBytes).toBe(LARGE + 25);
      expect(uploaded.bytes).toBe(2 * LARGE + 25);
      expect(await verdict(uploaded, 'deep')).toEqual([]);
    });

    it('mends a stored blob that was damaged instead of building on it', async () => {
      const first = await upload();
      await flip(blobOf(first, 'weights.safetensors'));
      const second = await upload({ attempt: 8 });
      expect(second.uploadedBytes).toBe(LARGE);
      expect(await verdict(first, 'deep')).toEqual([]);
    });

    it('stores an old blob again, so that no sweep takes it before the commit', async () => {
      const day = 86_400_000;
      let now = Date.parse('2026-11-20T00:00:00Z');
      objects = new InMemoryObjectStore(() => new Date(now));
      store = new CheckpointStore(objects);
      const at = () => ({ created_at: new Date(now).toISOString() });
      const { bytes } = await upload(at());
      now += day / 4;
      expect((await upload({ seq: 8, ...at() })).uploadedBytes).toBe(0);
      now += day;
      expect((await upload({ seq: 9, ...at() })).uploadedBytes).toBe(bytes);
    });

    it('gives up when the store took a blob and does not have it', async () => {
      const put = objects.put.bind(objects);
      objects.put = async (key, body) => {
        await put(key, body);
        await objects.delete(key);
      };
      await expect(upload()).rejects.toThrow(CheckpointUploadError);
      expect(await keys()).toEqual([]);
    });

    it('leaves no manifest when the store goes away half-way', async () => {
      const put = objects.put.bind(objects);
      objects.put = async (key, body) => {
        await put(key, body);
        objects.setReachable(false);
      };
      await expect(upload()).rejects.toThrow(ObjectStoreUnavailableError);
      objects.setReachable(true);
      expect((await keys()).filter((key) => key.startsWith('checkpoints/'))).toEqual([]);
    });

    it.each([
      ['a file outside the folder', { files: ['../secret'] }, UnsafeKeyError],
      ['an operation id with a slash', { operation_id: 'a/b' }, UnsafeKeyError],
      ['a file that is not there', { files: ['nothing'] }, LocalFileError],
      ['no files', { files: [] }, CheckpointUploadError],
      ['the same file twice', { files: ['model.json', 'model.json'] }, CheckpointUploadError],
      ['a step that is no whole number', { step: 1.5 }, CheckpointUploadError],
    ])('refuses %s', async (_, change, kind) => {
      await expect(upload(change)).rejects.toThrow(kind);
      expect((await keys()).filter((key) => key.startsWith('checkpoints/'))).toEqual([]);
    });
  });

  it('tells of each part that is in its place, whether or not it had to be moved', async () => {
    let moved = 0;
    const onMoved = () => (moved += 1);
    await upload({ onMoved });
    expect(moved).toBe(FILES.length);
    const again = await upload({ onMoved });
    expect(again.uploadedBytes).toBe(0);
    expect(moved).toBe(2 * FILES.length);
    await store.restore({ ...again, into: join(dir, 'restored'), onMoved });
    expect(moved).toBe(3 * FILES.length);
  });

  it('tells of no part that is damaged', async () => {
    const uploaded = await upload();
    const [damaged] = uploaded.manifest.files;
    await objects.put(damaged!.blob!, new Uint8Array(damaged!.bytes));
    let moved = 0;
    const restored = store.restore({ ...uploaded, into: join(dir, 'restored'), onMoved: () => (moved += 1) });
    await expect(restored).rejects.toMatchObject({ badFiles: [{ name: damaged!.name }] });
    expect(moved).toBe(FILES.length - 1);
  });

  describe('verify', () => {
    it('finds nothing wrong with what was uploaded', async () => {
      const uploaded = await upload();
      const quick = await store.verify({ ...uploaded, depth: 'quick' });
      const deep = await store.verify({ ...uploaded, depth: 'deep' });
      expect(quick).toMatchObject({ valid: true, badFiles: [], filesChecked: 4, manifest: uploaded.manifest });
      expect(deep.bytesHashed - quick.bytesHashed).toBe(LARGE);
    });

    it.each(['quick', 'deep'] as const)('(%s) names each bad file and what is wrong with it', async (depth) => {
      const uploaded = await upload();
      await flip(blobOf(uploaded, 'state.json'));
      await objects.delete(blobOf(uploaded, 'model.json'));
      await objects.put(blobOf(uploaded, 'weights.safetensors'), new Uint8Array(LARGE - 1));
      expect(await verdict(uploaded, depth)).toEqual([
        'model.json missing',
        'state.json wrong-hash',
        'weights.safetensors wrong-size',
      ]);
    });

    it.each(['quick', 'deep'] as const)('(%s) finds the same where it is told the files', async (depth) => {
      const uploaded = await upload();
      const { files } = uploaded.manifest;
      const told = { ...uploaded, depth, files: files.map((file) => ({ ...file })) };
      expect(await store.verify(told)).toEqual(await store.verify({ ...uploaded, depth }));
      await flip(blobOf(uploaded, 'state.json'));
      await objects.delete(blobOf(uploaded, 'weights.safetensors'));
      const verified = await store.verify(told);
      expect(verified).toEqual(await store.verify({ ...uploaded, depth }));
      expect(verified.badFiles.map(({ name }) => name)).toEqual(['state.json', 'weights.safetensors']);
    });

    it('goes by the manifest where it is told other files', async () => {
      const uploaded = await upload();
      const [first, ...others] = uploaded.manifest.files;
      const wrong = others.map((file) => ({ ...file, blob: blobOf(uploaded, 'model.json') }));
      for (const files of [
        others,
        wrong,
        [],
        [...others, first ?? {}],
        [{ name: 'none', bytes: 3, blob: 'blobs/none' }],
      ]) {
        const verified = await store.verify({ ...uploaded, depth: 'quick', files: files as typeof others });
        expect(verified).toMatchObject({ valid: true, filesChecked: 4, manifest: uploaded.manifest });
      }
      await flip(blobOf(uploaded, 'model.json'));
      const { badFiles } = await store.verify({ ...uploaded, depth: 'quick', files: others });
      expect(badFiles).toMatchObject([{ name: 'model.json', problem: 'wrong-hash' }]);
    });

    it('finds a flipped bit in a large file only when it reads every byte', async () => {
      const uploaded = await upload();
      await flip(blobOf(uploaded, 'weights.safetensors'));
      expect(await verdict(uploaded, 'quick')).toEqual([]);
      expect(await verdict(uploaded, 'deep')).toEqual(['weights.safetensors wrong-hash']);
    });

    it('finds a missing and a changed manifest', async () => {
      const uploaded = await upload();
      await flip(uploaded.manifestKey);
      expect(await verdict(uploaded, 'quick')).toEqual(['manifest.json wrong-hash']);
      await store.deleteManifest(uploaded.manifestKey);
      expect(await verdict(uploaded, 'quick')).toEqual(['manifest.json missing']);
    });

    it('calls what the disk cannot give back unreadable', async () => {
      const uploaded = await upload();
      objects.read = async (key) => {
        throw new ObjectUnreadableError(key, objects.url, 'the disk reports an input/output error');
      };
      expect(await verdict(uploaded, 'quick')).toEqual(['model.json unreadable', 'state.json unreadable']);
    });

    it('does not call an outage damage', async () => {
      const uploaded = await upload();
      objects.setReachable(false);
      await expect(store.verify({ ...uploaded, depth: 'quick' })).rejects.toThrow(ObjectStoreUnavailableError);
      const get = objects.get.bind(objects);
      objects.setReachable(true);
      objects.get = async (key) => {
        const body = await get(key);
        objects.setReachable(false);
        return body;
      };
      await expect(store.verify({ ...uploaded, depth: 'deep' })).rejects.toThrow(ObjectStoreUnavailableError);
    });

    it('refuses an intact manifest of another version by that name', async () => {
      const { manifestKey } = await upload();
      const body = new TextEncoder().encode('{"schema_version":99}');
      await objects.put(manifestKey, body);
      const reference = { manifestKey, manifestSha256: sha256Of(body) };
      await expect(store.verify({ ...reference, depth: 'quick' })).rejects.toThrow(ManifestIncompatibleError);
      await expect(store.restore({ ...reference, into: join(dir, 'into') })).rejects.toThrow('finds 99');
    });

    it('reads no manifest from outside the checkpoints', async () => {
      const reference = { manifestKey: '../../etc/passwd', manifestSha256: '' };
      await expect(store.verify({ ...reference, depth: 'quick' })).rejects.toThrow(UnsafeKeyError);
      await expect(store.deleteManifest('blobs/sha256/aa/x')).rejects.toThrow(UnsafeKeyError);
    });
  });

  describe('restore', () => {
    it('brings back every file byte for byte', async () => {
      const uploaded = await upload();
      const into = join(dir, 'new', 'folder');
      expect(await store.restore({ ...uploaded, into })).toEqual({ manifest: uploaded.manifest, bytes: LARGE + 25 });
      expect((await readdir(into)).sort()).toEqual(FILES);
      for (const name of FILES) {
        expect((await readFile(join(into, name))).equals(await readFile(join(spool, name)))).toBe(true);
      }
    });

    it('names everything that is damaged and leaves nothing behind', async () => {
      const uploaded = await upload();
      await flip(blobOf(uploaded, 'weights.safetensors'));
      await objects.delete(blobOf(uploaded, 'state.json'));
      const act = store.restore({ ...uploaded, into: join(dir, 'into') });
      await expect(act).rejects.toThrow(CheckpointDamagedError);
      await expect(act).rejects.toMatchObject({
        code: 'checkpoint-corrupted',
        badFiles: [
          { name: 'state.json', problem: 'missing' },
          { name: 'weights.safetensors', problem: 'wrong-hash' },
        ],
      });
      expect(await readdir(dir)).toEqual(['spool']);
    });

    it('leaves nothing behind when the store goes away', async () => {
      const uploaded = await upload();
      const read = objects.read.bind(objects);
      let calls = 0;
      objects.read = (key, buffer) => {
        calls += 1;
        objects.setReachable(calls === 1);
        return read(key, buffer);
      };
      await expect(store.restore({ ...uploaded, into: join(dir, 'into') })).rejects.toThrow(
        ObjectStoreUnavailableError,
      );
      expect(await readdir(dir)).toEqual(['spool']);
    });

    it('takes an empty folder and refuses a full one', async () => {
      const uploaded = await upload();
      const into = join(dir, 'into');
      await mkdir(into);
      await store.restore({ ...uploaded, into });
      await expect(store.restore({ ...uploaded, into })).rejects.toThrow(LocalFileError);
      expect((await readdir(dir)).sort()).toEqual(['into', 'spool']);
    });
  });

  it('deletes a manifest, again if need be, and leaves the blobs to others', async () => {
    const uploaded = await upload();
    await store.deleteManifest(uploaded.manifestKey);
    await store.deleteManifest(uploaded.manifestKey);
    expect((await keys()).every((key) => key.startsWith('blobs/'))).toBe(true);
    expect(await keys()).toHaveLength(3);
  });
});
