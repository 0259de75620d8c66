import { join } from 'node:path';
import { partsOf } from '@ktrdr/operations';
import { CheckpointUploadError } from './errors.js';
import { sha256InTurn } from './file-digest.js';
import { largestPart } from './parts/file-parts.js';
import {
  type ExpectedFile,
  FollowedFile,
  following,
  identityAt,
  partsAsWritten,
  type Writing,
} from './parts/followed-file.js';
import { blobKey, sha256OfBlobKey } from './keys.js';
import { cutFile, type FilePart, type PartedFile } from './parts/local-parts.js';
import type { ManifestFile } from './manifest.js';
import { tryRead } from './reading/stored-parts.js';
import { mapParallel, mapWithBuffers } from './parallel.js';
import type { ObjectStore } from './ports.js';

/** A sweep leaves blobs alone that are younger than this, whether or not a row names them. */
export const BLOB_GRACE_HOURS = 24;
/**
 * A stored blob older than this is stored again rather than reused, which makes it young. So no sweep can delete it
 * between the reuse and the commit.
 */
const REUSE_HOURS = BLOB_GRACE_HOURS / 2;
const HOUR_MS = 3_600_000;
const PARALLEL = 4;
/** Attempts whose trusted blobs are remembered. */
const MAX_WRITERS = 64;

interface Origin {
  readonly dir: string;
  /** When the checkpoint was made, which decides which stored blobs are young enough to be reused. */
  readonly at: Date;
  /** Names the attempt that saves. */
  readonly attempt: string;
}

export interface BlobOrder extends Origin {
  readonly names: readonly string[];
  readonly early: EarlyBlobs | null;
  /** After each blob that is there now, whether or not it had to be sent. */
  readonly onStored: () => Promise<void>;
}

export interface EarlyOrder extends Origin, Writing {
  readonly onMoved?: (() => void) | undefined;
  readonly files: readonly ExpectedFile[];
}

/** Files that were stored while they were being written. Nothing refers to them yet. */
export interface EarlyBlobs {
  readonly files: readonly {
    readonly entry: ManifestFile;
    /** Of the file that was read, when it was whole. */
    readonly identity: string;
  }[];
  readonly uploadedBytes: number;
}

/** What one save knows about the store. */
interface Save {
  readonly at: Date;
  /** Hashes of blobs whose bytes are known to be right. */
  readonly trusted: Set<string>;
  /** Each content is stored once, however many parts have it. Settles with the bytes that had to be sent. */
  readonly storing: Map<string, Promise<number>>;
  readonly onStored: () => Promise<void>;
}

/** A part's bytes, in memory that is needed for the next. */
interface ReadPart {
  readonly name: string;
  readonly body: Uint8Array;
  readonly sha256: string;
  readonly release: () => void;
}

interface StoredPart {
  readonly file: PartedFile;
  readonly sha256: string;
  readonly bytes: number;
  readonly sentBytes: number;
}

/** Puts files into the store, in parts under their hashes, each content once. */
export class BlobWriter {
  /**
   * The blobs of each attempt's last save whose bytes it wrote, or read and found right. A later attempt reads them again
   * once: an attempt ends because something failed, perhaps the disk.
   */
  private readonly trusted = new Map<string, Set<string>>();

  constructor(private readonly objects: ObjectStore) {}

  /** The blob was found damaged: it is read again before it is reused. */
  distrust(sha256: string): void {
    for (const blobs of this.trusted.values()) blobs.delete(sha256);
  }

  /** @returns the files' entries, and how many bytes had to be sent, those sent early included. */
  async write(order: BlobOrder): Promise<{ files: ManifestFile[]; uploadedBytes: number }> {
    const { dir, names, at, attempt, early, onStored } = order;
    const trusted = this.trustOf(attempt);
    const kept = early ? await unchanged(early, order, trusted) : [];
    const blobs = [...new Set(kept.flatMap(hashesOf))];
    for (let reached = 0; reached < blobs.length; reached += 1) await onStored();
    const save: Save = { at, trusted, storing: new Map(blobs.map((blob) => [blob, Promise.resolve(0)])), onStored };
    const unread = names.filter((name) => !kept.some((entry) => entry.name === name));
    const cut = await mapParallel(unread, PARALLEL, (name) => cutFile(dir, name));
    const parts = cut.flatMap((file) => file.parts.map((span) => ({ file, span })));
    const bytes = Math.max(0, ...parts.map(({ span }) => span.end - span.start));
    const stored = await mapWithBuffers(parts, bytes, (part, ...memory) => this.writePart(part, memory, save));
    this.trusted.set(attempt, new Set([...blobs, ...stored.map(({ sha256 }) => sha256)]));
    const entries = [...kept, ...toEntries(cut, stored)];
    return {
      files: names.flatMap((name) => entries.find((entry) => entry.name === name) ?? []),
      uploadedBytes: sentBytesOf(stored) + (early?.uploadedBytes ?? 0),
    };
  }

  /**
   * Stores files while they are being written. The attempt's earlier blobs stay trusted until the save itself ends.
   */
  async writeEarly({ dir, files, at, attempt, onMoved, ...writing }: EarlyOrder): Promise<EarlyBlobs> {
    const followed = files.map((file) => new FollowedFile(dir, file));
    const bytes = Math.max(0, ...files.map((file) => largestPart(file.bytes)));
    const onStored = async () => onMoved?.();
    const save: Save = { at, trusted: this.trustOf(attempt), storing: new Map(), onStored };
    return following(followed, writing, async () => {
      const parts = partsAsWritten(followed, writing);
      const stored = await mapWithBuffers(parts, bytes, (part, ...memory) => this.writePart(part, memory, save));
      const whole = followed.filter(({ isWhole }) => isWhole);
      const entries = toEntries(whole, stored);
      return {
        files: whole.flatMap(({ identity }, index) => {
          const entry = entries[index];
          return entry ? [{ entry, identity }] : [];
        }),
        uploadedBytes: sentBytesOf(stored),
      };
    });
  }

  private trustOf(attempt: string): Set<string> {
    const blobs = this.trusted.get(attempt) ?? new Set();
    this.trusted.delete(attempt); // the latest attempt is forgotten last
    this.trusted.set(attempt, blobs);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > MAX_WRITERS && oldest !== undefined) this.trusted.delete(oldest);
    return blobs;
  }

  private async writePart(
    { file, span }: FilePart,
    [buffer, release]: readonly [Uint8Array, () => void],
    save: Save,
  ): Promise<StoredPart> {
    const body = await file.readPart(span, buffer);
    const sha256 = await sha256InTurn(body);
    const part = { file, sha256, bytes: body.length };
    const underWay = save.storing.get(sha256);
    if (underWay) {
      release();
      await underWay;
      return { ...part, sentBytes: 0 };
    }
    const storing = this.store({ name: file.name, body, sha256, release }, save);
    save.storing.set(sha256, storing);
    return { ...part, sentBytes: await storing };
  }

  private async store({ name, body, sha256, release }: ReadPart, save: Save): Promise<number> {
    const blob = blobKey(sha256);
    const bytes = body.length;
    const isReused = await this.isReusable(blob, bytes, sha256, save);
    if (!isReused) {
      await this.objects.put(blob, body, release);
      save.trusted.add(sha256);
      await this.confirm(name, blob, bytes);
    }
    await save.onStored();
    return isReused ? 0 : bytes;
  }

  /** A blob that was damaged in the store has the right name and often the right size, so its bytes are read once. */
  private async isReusable(blob: string, bytes: number, sha256: string, { at, trusted }: Save): Promise<boolean> {
    const head = await this.objects.head(blob);
    if (head?.bytes !== bytes || at.getTime() - head.modifiedAt.getTime() > REUSE_HOURS * HOUR_MS) return false;
    if (trusted.has(sha256)) return true;
    const read = await tryRead(() => this.objects.hash(blob));
    const intact = 'value' in read && read.value.sha256 === sha256;
    if (intact) trusted.add(sha256);
    return intact;
  }

  private async confirm(name: string, blob: string, bytes: number): Promise<void> {
    const head = await this.objects.head(blob);
    if (head?.bytes === bytes) return;
    const found = head ? `${head.bytes} bytes` : 'nothing';
    throw new CheckpointUploadError(
      `The object store ${this.objects.url} took ${bytes} bytes of ${name} but holds ${found} under ${blob}. ` +
        'The save was given up; the previous checkpoint is untouched',
      { file: name, blob, expected_bytes: bytes, actual_bytes: head?.bytes ?? null },
    );
  }
}

/** Entries of the files that did not change since they were stored early and whose blobs are still trusted. */
async function unchanged(
  { files }: EarlyBlobs,
  { dir, names }: Pick<BlobOrder, 'dir' | 'names'>,
  trusted: ReadonlySet<string>,
): Promise<ManifestFile[]> {
  const wanted = files.filter(({ entry }) => names.includes(entry.name));
  const found = await mapParallel(wanted, PARALLEL, async ({ entry, identity }) => {
    const isTrusted = hashesOf(entry).every((sha256) => trusted.has(sha256));
    return isTrusted && (await identityAt(join(dir, entry.name))) === identity ? [entry] : [];
  });
  return found.flat();
}

function hashesOf(entry: ManifestFile): readonly string[] {
  return partsOf(entry).map(({ blob }) => sha256OfBlobKey(blob));
}

function toEntries(files: readonly PartedFile[], stored: readonly StoredPart[]): ManifestFile[] {
  const ofFile = Map.groupBy(stored, ({ file }) => file);
  return files.map((file) => toEntry(file, ofFile.get(file) ?? []));
}

function toEntry({ name, bytes }: PartedFile, parts: readonly StoredPart[]): ManifestFile {
  const [first] = parts;
  if (first && parts.length === 1) return { name, bytes, sha256: first.sha256, blob: blobKey(first.sha256) };
  return { name, bytes, parts: parts.map((part) => ({ blob: blobKey(part.sha256), bytes: part.bytes })) };
}

function sentBytesOf(stored: readonly StoredPart[]): number {
  return stored.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
}
