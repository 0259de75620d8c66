import { open, opendir, readFile, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  assertKeyPrefix,
  assertObjectKey,
  digestOf,
  type ListedObject,
  type ObjectDigest,
  type ObjectHead,
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreUnavailableError,
} from '@ktrdr/checkpoint';
import { DurableDirectories } from './durable-directories.js';
import { isTemporaryName, makeDirectoryBelow, makeDirectoryDurably, writeDurably } from './durable-file.js';
import { chunksOfFile, fill, readExactly, writeAll } from './file-chunks.js';
import { isMissing, toStoreError, toUnavailable } from './file-errors.js';
import { SMALL_FILE_BYTES, type SmallFiles } from './small-files.js';
import { streamToFile } from '../stream-to-file.js';

const PUT_ATTEMPTS = 5;
/** A full disk takes an empty file, but not this. */
const A_BLOCK = new Uint8Array(4_096);
/** Distinguishes an empty store from one whose disk is not mounted. Names that start with a dot are no keys. */
const MARKER = '.ktrdr-object-store';

/** Objects as files below one directory, for one machine or a shared file system. */
export class FileObjectStore implements ObjectStore {
  readonly url: string;
  private opened: Promise<void> | null = null;
  private readonly directories: DurableDirectories;

  /**
   * @param rootDir absolute; made when it does not exist.
   * @param smallFiles reads them; without it they are read as all others are.
   */
  constructor(
    private readonly rootDir: string,
    private readonly smallFiles?: Pick<SmallFiles, 'read'>,
  ) {
    this.url = pathToFileURL(rootDir).href;
    this.directories = new DurableDirectories(rootDir);
  }

  async put(key: string, body: Uint8Array, onTaken?: () => void): Promise<void> {
    let isTaken = false;
    const beforeSync = onTaken && (() => ((isTaken = true), onTaken()));
    await this.write(key, async (path, changed) => {
      // The caller may have put other bytes into it since.
      if (isTaken) throw new ObjectStoreUnavailableError(this.url, `the folder of ${key} was removed during the write`);
      await writeDurably(path, (file) => writeAll(file, body), { changed, beforeSync });
    });
  }

  async get(key: string): Promise<Uint8Array> {
    return this.reading(key, async (path) => (await this.smallFiles?.read(path, SMALL_FILE_BYTES)) ?? readFile(path));
  }

  async read(key: string, into: Uint8Array): Promise<number> {
    return this.reading(key, async (path) => {
      const small = into.length <= SMALL_FILE_BYTES && (await this.smallFiles?.read(path, into.length));
      if (small) {
        into.set(small);
        return small.length;
      }
      if (await readExactly(path, into)) return into.length;
      const file = await open(path);
      try {
        const { size } = await file.stat();
        await fill(file, into.subarray(0, size));
        return size;
      } finally {
        await file.close();
      }
    });
  }

  async getToFile(key: string, path: string): Promise<ObjectDigest> {
    return streamToFile(this.chunks(key), path);
  }

  async hash(key: string): Promise<ObjectDigest> {
    return digestOf(this.chunks(key));
  }

  async head(key: string): Promise<ObjectHead | null> {
    try {
      return await this.reading(key, async (path) => {
        const found = await stat(path);
        return found.isFile() ? { bytes: found.size, modifiedAt: found.mtime } : null;
      });
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.reading(key, (path) => unlink(path));
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError)) throw error;
    }
    await this.removeEmptyFolders(dirname(key));
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertKeyPrefix(prefix);
    await this.open();
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    for await (const key of this.keysUnder(folder)) {
      if (!key.startsWith(prefix)) continue;
      const head = await this.head(key);
      if (head) yield { key, ...head };
    }
  }

  async check(): Promise<void> {
    await this.open();
    await this.assertMounted();
    const probe = join(this.rootDir, '.check');
    await writeDurably(probe, (file) => file.writeFile(A_BLOCK)).catch((error: unknown) => {
      throw toUnavailable(error, this.url);
    });
  }

  /** Removes what killed processes left of writes begun before `before`, and returns how many files that were. */
  async removeAbandonedWrites(before: Date): Promise<number> {
    await this.open();
    let removed = 0;
    for await (const path of this.filesUnder('', isTemporaryName)) {
      const found = await stat(join(this.rootDir, path)).catch(() => null);
      if (!found || found.mtime >= before) continue;
      await rm(join(this.rootDir, path), { force: true });
      removed += 1;
    }
    return removed;
  }

  /** @param write asks, when everything is written, which directories further up it has to fsync, and does. */
  private async write(
    key: string,
    write: (path: string, changed: () => readonly string[]) => Promise<void>,
  ): Promise<void> {
    assertObjectKey(key);
    await this.open();
    const path = join(this.rootDir, key);
    for (let attempt = 1; ; attempt += 1) {
      await this.assertMounted();
      try {
        await makeDirectoryBelow(this.rootDir, dirname(path), (directory) => this.directories.made(directory));
        let doubtful: readonly string[] = [];
        await write(path, () => (doubtful = this.directories.doubtful(path)).map(dirname));
        this.directories.keep(doubtful);
        // After an unmount the write went into the folder underneath the mount point.
        await this.assertMounted();
        return;
      } catch (error) {
        // Another process may have removed the folder as empty between two calls, and another made it again since.
        if (isMissing(error) && attempt < PUT_ATTEMPTS) continue;
        throw toUnavailable(error, this.url);
      }
    }
  }

  private async reading<Result>(key: string, read: (path: string) => Promise<Result>): Promise<Result> {
    assertObjectKey(key);
    await this.open();
    try {
      return await read(join(this.rootDir, key));
    } catch (error) {
      throw await this.explain(error, key);
    }
  }

  private async *chunks(key: string): AsyncIterable<Uint8Array> {
    assertObjectKey(key);
    await this.open();
    try {
      yield* chunksOfFile(join(this.rootDir, key));
    } catch (error) {
      throw await this.explain(error, key);
    }
  }

  private async explain(error: unknown, key: string): Promise<Error> {
    if (isMissing(error)) await this.assertMounted();
    return toStoreError(error, this.url, key);
  }

  /** Makes the root and its marker when this process first uses the store; tried again after a failure. */
  private async open(): Promise<void> {
    this.opened ??= this.prepare();
    try {
      await this.opened;
    } catch (error) {
      this.opened = null;
      throw toUnavailable(error, this.url);
    }
  }

  private async prepare(): Promise<void> {
    const marker = join(this.rootDir, MARKER);
    if (await isThere(marker)) return;
    await makeDirectoryDurably(this.rootDir);
    await writeDurably(marker, (file) =>
      file.writeFile('The objects of a ktrdr object store are below this folder.\n'),
    );
  }

  /** What was there and is gone with the whole store is not missing: its disk is. */
  private async assertMounted(): Promise<void> {
    const there = await isThere(join(this.rootDir, MARKER)).catch((error: unknown) => {
      throw toUnavailable(error, this.url);
    });
    if (there) return;
    throw new ObjectStoreUnavailableError(
      this.url,
      `${MARKER} is gone from it, so it was moved, removed or unmounted; put it back, or restart to begin an empty one`,
    );
  }

  private async *keysUnder(folder: string): AsyncIterable<string> {
    yield* this.filesUnder(folder, (name) => !name.startsWith('.'));
  }

  private async *filesUnder(folder: string, wanted: (name: string) => boolean): AsyncIterable<string> {
    try {
      for await (const entry of await opendir(join(this.rootDir, folder))) {
        if (entry.isDirectory()) yield* this.filesUnder(`${folder}${entry.name}/`, wanted);
        else if (entry.isFile() && wanted(entry.name)) yield `${folder}${entry.name}`;
      }
    } catch (error) {
      if (!isMissing(error)) throw toUnavailable(error, this.url);
      await this.assertMounted();
    }
  }

  private async removeEmptyFolders(folder: string): Promise<void> {
    for (let empty = folder; empty !== '.'; empty = dirname(empty)) {
      const removed = await rmdir(join(this.rootDir, empty)).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}
