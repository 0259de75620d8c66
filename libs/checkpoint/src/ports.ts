/** What the store says about an object without reading it. */
export interface ObjectHead {
  readonly bytes: number;
  readonly modifiedAt: Date;
}

export interface ListedObject extends ObjectHead {
  readonly key: string;
}

/** What reading an object to its end found. */
export interface ObjectDigest {
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * Where bytes are kept, by key. An object appears whole or not at all, and a finished `put` survives a power cut.
 * Nothing here relies on conditional writes or on listing: not every S3 server has them.
 *
 * Every method throws `ObjectStoreUnavailableError` when the store cannot answer, which says nothing about whether
 * an object exists, and `UnsafeKeyError` for a key that `assertObjectKey` refuses.
 */
export interface ObjectStore {
  /** Where it is, without credentials. */
  readonly url: string;
  /**
   * Replaces what the key held. The caller may change `body` once it has settled, or as soon as `onTaken` is called.
   * A store that needs it to the end never calls that.
   */
  put(key: string, body: Uint8Array, onTaken?: () => void): Promise<void>;
  /** @throws ObjectNotFoundError, ObjectUnreadableError */
  get(key: string): Promise<Uint8Array>;
  /**
   * Reads an object into the beginning of `into`. Of one that is larger, what does not fit is left out.
   * @returns the size of the object.
   * @throws ObjectNotFoundError, ObjectUnreadableError
   */
  read(key: string, into: Uint8Array): Promise<number>;
  /**
   * Streams into a local file, which appears only when it is complete, and returns what was read. It is a copy: a power
   * cut may take it.
   * @throws ObjectNotFoundError, ObjectUnreadableError, and LocalFileError when the file cannot be written.
   */
  getToFile(key: string, path: string): Promise<ObjectDigest>;
  /**
   * Streams the object through SHA-256 without storing it.
   * @throws ObjectNotFoundError, ObjectUnreadableError
   */
  hash(key: string): Promise<ObjectDigest>;
  /** `null`: there is no such object. */
  head(key: string): Promise<ObjectHead | null>;
  /** Deleting what does not exist succeeds. */
  delete(key: string): Promise<void>;
  /** Objects whose key starts with `prefix`, in no particular order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Removes what killed processes left of writes begun before `before`, where that is possible at all. */
  removeAbandonedWrites?(before: Date): Promise<number>;
  /** Settles when the store is reachable and can be written to. */
  check(): Promise<void>;
}
