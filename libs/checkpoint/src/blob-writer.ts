import { join } from 'node:path';
import { CheckpointUploadError } from './errors.js';
import { sha256Of } from './file-digest.js';
import { blobKey } from './keys.js';
import { type CutFile, cutFile, readPart } from './local-parts.js';
import type { ManifestFile } from './manifest.js';
import { orProblem } from './object-problem.js';
import { mapParallel, mapWithBuffers } from './parallel.js';
import type { ObjectStore } from './ports.js';
import type { Span } from './tensor-spans.js';

/** A sweep must leave every blob alone that is younger than this, whoever refers to it. */
export const BLOB_GRACE_HOURS = 24;
/**
 * A stored blob older than this is stored again rather than reused, which makes it young: between the reuse and the
 * commit no sweep can find it old enough to delete.
 */
const REUSE_HOURS = BLOB_GRACE_HOURS / 2;
const HOUR_MS = 3_600_000;
const PARALLEL = 4;
/** Attempts that save at the same time; what an older one has seen of the store counts no more. */
const MAX_WRITERS = 64;

export interface BlobOrder {
  readonly dir: string;
  readonly names: readonly string[];
  /** When the checkpoint was made, which decides which stored blobs are young enough to be reused. */
  readonly at: Date;
  /** Names the attempt that saves. */
  readonly attempt: string;
  /** After each blob that is there now, whether or not it had to be sent. */
  readonly onStored: () => Promise<void>;
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

interface StoredPart {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly sentBytes: number;
}

/** Puts files into the store, in parts under their hashes, each content once. */
export class BlobWriter {
  /**
   * The blobs of each attempt's last save, whose bytes it has itself written or read and found right. A later attempt
   * reads them again once: it is there because something went wrong, and that may have been the disk.
   */
  private readonly trusted = new Map<string, Set<string>>();

  constructor(private readonly objects: ObjectStore) {}

  /** The blob was found damaged: nobody reuses it unread again. */
  distrust(sha256: string): void {
    for (const blobs of this.trusted.values()) blobs.delete(sha256);
  }

  /** @returns the files' entries, and how many bytes had to be sent. */
  async write(order: BlobOrder): Promise<{ files: ManifestFile[]; uploadedBytes: number }> {
    const { dir, names, at, attempt, onStored } = order;
    const cut = await mapParallel(names, PARALLEL, async (name) => ({ name, file: await cutFile(join(dir, name)) }));
    const parts = cut.flatMap(({ name, file }) => file.parts.map((span) => ({ name, file, span })));
    const save: Save = { at, trusted: this.trustOf(attempt), storing: new Map(), onStored };
    const bytes = Math.max(0, ...parts.map(({ span }) => span.end - span.start));
    const stored = await mapWithBuffers(parts, bytes, (part, buffer) => this.writePart(part, buffer, save));
    this.trusted.set(attempt, new Set(stored.map(({ sha256 }) => sha256)));
    const ofFile = Map.groupBy(stored, ({ name }) => name);
    return {
      files: cut.map(({ name, file }) => toEntry(name, file.bytes, ofFile.get(name) ?? [])),
      uploadedBytes: stored.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    };
  }

  private trustOf(attempt: string): Set<string> {
    const blobs = this.trusted.get(attempt) ?? new Set();
    this.trusted.delete(attempt); // the last one named is the last one forgotten
    this.trusted.set(attempt, blobs);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > MAX_WRITERS && oldest !== undefined) this.trusted.delete(oldest);
    return blobs;
  }

  private async writePart(
    { name, file, span }: { readonly name: string; readonly file: CutFile; readonly span: Span },
    buffer: Uint8Array,
    save: Save,
  ): Promise<StoredPart> {
    const body = await readPart(file, span, buffer);
    const sha256 = sha256Of(body);
    const part = { name, sha256, bytes: body.length };
    const underWay = save.storing.get(sha256);
    if (underWay) {
      await underWay;
      return { ...part, sentBytes: 0 };
    }
    const storing = this.store(name, body, sha256, save);
    save.storing.set(sha256, storing);
    return { ...part, sentBytes: await storing };
  }

  private async store(name: string, body: Uint8Array, sha256: string, save: Save): Promise<number> {
    const blob = blobKey(sha256);
    const isReused = await this.isReusable(blob, body.length, sha256, save);
    if (!isReused) {
      await this.objects.put(blob, body);
      save.trusted.add(sha256);
      await this.confirm(name, blob, body.length);
    }
    await save.onStored();
    return isReused ? 0 : body.length;
  }

  /** A blob that was damaged in the store has the right name and often the right size, so its bytes are read once. */
  private async isReusable(blob: string, bytes: number, sha256: string, { at, trusted }: Save): Promise<boolean> {
    const head = await this.objects.head(blob);
    if (head?.bytes !== bytes || at.getTime() - head.modifiedAt.getTime() > REUSE_HOURS * HOUR_MS) return false;
    if (trusted.has(sha256)) return true;
    const read = await orProblem(() => this.objects.hash(blob));
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
        'The save was given up; the checkpoint before it is untouched',
      { file: name, blob, expected_bytes: bytes, actual_bytes: head?.bytes ?? null },
    );
  }
}

function toEntry(name: string, bytes: number, parts: readonly StoredPart[]): ManifestFile {
  const [first] = parts;
  if (first && parts.length === 1) return { name, bytes, sha256: first.sha256, blob: blobKey(first.sha256) };
  return { name, bytes, parts: parts.map((part) => ({ blob: blobKey(part.sha256), bytes: part.bytes })) };
}
