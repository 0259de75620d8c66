import { writeFile } from 'node:fs/promises';
import { ObjectNotFoundError, ObjectStoreUnavailableError } from '../errors.js';
import { sha256Of } from '../file-digest.js';
import { assertKeyPrefix, assertObjectKey } from '../keys.js';
import type { ListedObject, ObjectDigest, ObjectHead, ObjectStore } from '../ports.js';

interface Held {
  readonly body: Uint8Array;
  readonly modifiedAt: Date;
}

/** An object store that lives as long as the process, with a switch for outages. */
export class InMemoryObjectStore implements ObjectStore {
  readonly url = 'memory:';
  private readonly held = new Map<string, Held>();
  private reachable = true;

  constructor(private readonly now: () => Date = () => new Date()) {}

  /** Off: every call fails as if the store were down. What it holds stays. */
  setReachable(reachable: boolean): void {
    this.reachable = reachable;
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    this.enter(key);
    this.held.set(key, { body: Uint8Array.from(body), modifiedAt: this.now() });
  }

  async get(key: string): Promise<Uint8Array> {
    this.enter(key);
    const held = this.held.get(key);
    if (!held) throw new ObjectNotFoundError(key, this.url);
    return Uint8Array.from(held.body);
  }

  async read(key: string, into: Uint8Array): Promise<number> {
    const body = await this.get(key);
    into.set(body.subarray(0, into.length));
    return body.length;
  }

  async getToFile(key: string, path: string): Promise<ObjectDigest> {
    await writeFile(path, await this.get(key));
    return this.hash(key);
  }

  async hash(key: string): Promise<ObjectDigest> {
    const body = await this.get(key);
    return { bytes: body.length, sha256: sha256Of(body) };
  }

  async head(key: string): Promise<ObjectHead | null> {
    this.enter(key);
    const held = this.held.get(key);
    return held ? { bytes: held.body.length, modifiedAt: held.modifiedAt } : null;
  }

  async delete(key: string): Promise<void> {
    this.enter(key);
    this.held.delete(key);
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertKeyPrefix(prefix);
    await this.check();
    for (const [key, { body, modifiedAt }] of [...this.held]) {
      if (key.startsWith(prefix)) yield { key, bytes: body.length, modifiedAt };
    }
  }

  async check(): Promise<void> {
    if (!this.reachable) throw new ObjectStoreUnavailableError(this.url, 'it was switched off');
  }

  private enter(key: string): void {
    assertObjectKey(key);
    if (!this.reachable) throw new ObjectStoreUnavailableError(this.url, 'it was switched off');
  }
}
