import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalFileError, SourceFileChangedError } from '../errors.js';
import { cutIntoParts } from './file-parts.js';
import { type FilePart, isSafetensors, isSystemError, type PartedFile, readSpan } from './local-parts.js';
import { hasHeader, type Span, tensorSpans } from './tensor-spans.js';

/**
 * Pause before a file that has not grown is looked at again. Polling, because a watch on a folder is neither portable nor
 * guaranteed on network file systems.
 */
const LOOK_EVERY_MS = 5;

/** A file that a trainer is going to write, from its beginning to its end. */
export interface ExpectedFile {
  readonly name: string;
  readonly bytes: number;
}

/** The state of the writing. */
export interface Writing {
  /** Writing has ended: what is missing now stays missing. */
  readonly isWritten: () => boolean;
  /** Aborts when the files are no longer wanted. */
  readonly signal: AbortSignal;
}

/**
 * Device, inode, size and time of the last write of the file at a path: the same text means an unchanged file. Null when
 * there is none.
 */
export async function identityAt(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (isSystemError(error)) return null; // the later read reports why
    throw error;
  });
  return found && identityOf(found);
}

function identityOf({ dev, ino, size, mtimeNs }: Record<'dev' | 'ino' | 'size' | 'mtimeNs', bigint>): string {
  return [dev, ino, size, mtimeNs].join(':');
}

/**
 * A file that is being written. Opened once, as soon as it exists, and kept open, because its folder is renamed when it
 * is whole. Must be closed.
 */
export class FollowedFile implements PartedFile {
  readonly name: string;
  readonly bytes: number;
  private readonly path: string;
  private file: FileHandle | undefined;
  private opening: Promise<void> | undefined;
  private parts: readonly Span[] | undefined;
  private given = 0;
  private written = 0;
  private isClosed = false;
  private seen: string | undefined;

  constructor(dir: string, { name, bytes }: ExpectedFile) {
    this.name = name;
    this.bytes = bytes;
    this.path = join(dir, name);
  }

  /** It does not exist yet. */
  get isAwaited(): boolean {
    return !this.file && !this.isClosed;
  }

  /** It has been seen. */
  get isFound(): boolean {
    return this.file !== undefined;
  }

  /** `newParts` returned all of its parts. */
  get isWhole(): boolean {
    return this.given === this.parts?.length;
  }

  /** As `identityAt` says it, from the moment when the file was seen to be whole. */
  get identity(): string {
    if (this.seen === undefined) throw this.changed();
    return this.seen;
  }

  /**
   * Opens it if it exists by now.
   * @throws LocalFileError
   */
  async open(): Promise<void> {
    if (!this.isAwaited) return;
    this.opening ??= this.openOnce().finally(() => (this.opening = undefined));
    await this.opening;
  }

  /**
   * Complete parts that were not returned before, cut as in the finished file.
   * @throws SourceFileChangedError when the file has more bytes than announced, LocalFileError
   */
  async newParts(): Promise<readonly Span[]> {
    await this.open();
    const { file } = this;
    if (!file) return [];
    return this.orLocalError(async () => {
      const found = await file.stat({ bigint: true });
      this.written = Number(found.size);
      if (this.written > this.bytes) throw this.changed();
      if (this.written === this.bytes) this.seen ??= identityOf(found);
      this.parts ??= await this.cut(file);
      const there = this.parts?.slice(this.given).filter(({ end }) => end <= this.written) ?? [];
      this.given += there.length;
      return there;
    });
  }

  async readPart(span: Span, into: Uint8Array): Promise<Uint8Array> {
    const { file } = this;
    const part = file && (await this.orLocalError(() => readSpan(file, span, into)));
    if (!part) throw this.changed();
    return part;
  }

  /** The file has another size than announced. */
  changed(): SourceFileChangedError {
    return new SourceFileChangedError(this.path, this.bytes, this.written);
  }

  /** Once what is being read from it has been read. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled([this.opening]);
    await this.file?.close();
  }

  private async openOnce(): Promise<void> {
    const file = await open(this.path).catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return undefined; // not yet
      throw new LocalFileError('read', this.path, error);
    });
    if (file && this.isClosed) await file.close();
    else this.file = file;
  }

  private async cut(file: FileHandle): Promise<readonly Span[] | undefined> {
    if (!isSafetensors(this.name)) return cutIntoParts(this.bytes);
    if (!(await hasHeader(file, this.bytes, this.written))) return undefined;
    return cutIntoParts(this.bytes, await tensorSpans(file, this.bytes));
  }

  private async orLocalError<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw isSystemError(error) ? new LocalFileError('read', this.path, error) : error;
    }
  }
}

/**
 * The parts of files that are being written, each as soon as it is complete. The files may grow side by side or one after
 * the other. Leaves out a file that came and went with its renamed folder between two looks.
 * @throws SourceFileChangedError when a file gets longer than announced, or stays shorter after writing has ended.
 * @throws LocalFileError, or what the signal is aborted with.
 */
export async function* partsAsWritten(
  files: readonly FollowedFile[],
  { isWritten, signal }: Writing,
): AsyncGenerator<FilePart> {
  const growing = new Set(files);
  while (growing.size > 0) {
    const isOver = isWritten(); // read first, so that the look after it is the last one
    const found: FilePart[] = [];
    for (const file of growing) {
      signal.throwIfAborted();
      found.push(...(await file.newParts()).map((span) => ({ file, span })));
      if (isOver && file.isFound && !file.isWhole) throw file.changed();
      if (isOver || file.isWhole) growing.delete(file);
    }
    yield* found.toSorted((a, b) => a.span.start - b.span.start); // the order in which files grow side by side
    if (found.length === 0 && growing.size > 0) await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Follows files until `act` settles or the signal aborts, then closes them. */
export async function following<Result>(
  files: readonly FollowedFile[],
  writing: Writing,
  act: () => Promise<Result>,
): Promise<Result> {
  const { signal } = writing;
  const close = () => Promise.all(files.map((file) => file.close()));
  // At once: `act` may still wait for a store, and an open file occupies its disk.
  const closeEarly = () => void Promise.allSettled([close()]);
  signal.addEventListener('abort', closeEarly);
  try {
    signal.throwIfAborted();
    const opening = openAll(files, writing);
    opening.catch(() => undefined); // the next look at that file fails in the same way
    return await act();
  } catch (error) {
    signal.throwIfAborted(); // the abort caused the failure
    throw error;
  } finally {
    signal.removeEventListener('abort', closeEarly);
    await close();
  }
}

/**
 * Opens each file as soon as it exists. Reading them may be too late: while a store is slow, their folder may be renamed.
 */
async function openAll(files: readonly FollowedFile[], { isWritten }: Writing): Promise<void> {
  for (let missing = files; missing.length > 0;) {
    const isOver = isWritten();
    for (const file of missing) await file.open();
    if (isOver) return;
    missing = missing.filter(({ isAwaited }) => isAwaited);
    if (missing.length > 0) await pause(LOOK_EVERY_MS);
  }
}
