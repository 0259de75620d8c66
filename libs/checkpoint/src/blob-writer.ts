import { join } from 'node:path';
import { CheckpointUploadError } from './errors.js';
import { digestOfFile } from './file-digest.js';
import { blobKey } from './keys.js';
import type { ManifestFile } from './manifest.js';
import { orProblem } from './object-problem.js';
import { mapParallel } from './parallel.js';
import type { ObjectStore } from './ports.js';

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

/** Puts files into the store under their hashes, each content once. */
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
    const { dir, names, attempt } = order;
    const files = await mapParallel(names, PARALLEL, async (name) => {
      const digest = await digestOfFile(join(dir, name));
      return { name, ...digest, blob: blobKey(digest.sha256) };
    });
    const trusted = this.trustOf(attempt);
    const distinct = [...new Map(files.map((file) => [file.sha256, file])).values()];
    const sent = await mapParallel(distinct, PARALLEL, async (file) => {
      const bytes = await this.writeOne(order, file, trusted);
      await order.onStored();
      return bytes;
    });
    await mapParallel(distinct, PARALLEL, (file) => this.confirm(file));
    this.trusted.set(attempt, new Set(distinct.map(({ sha256 }) => sha256)));
    return { files, uploadedBytes: sent.reduce((sum, bytes) => sum + bytes, 0) };
  }

  private trustOf(attempt: string): Set<string> {
    const blobs = this.trusted.get(attempt) ?? new Set();
    this.trusted.delete(attempt); // the last one named is the last one forgotten
    this.trusted.set(attempt, blobs);
    const [oldest] = this.trusted.keys();
    if (this.trusted.size > MAX_WRITERS && oldest !== undefined) this.trusted.delete(oldest);
    return blobs;
  }

  private async writeOne({ dir, at }: BlobOrder, file: ManifestFile, trusted: Set<string>): Promise<number> {
    if (await this.isReusable(file, at, trusted)) return 0;
    await this.objects.putFile(file.blob, join(dir, file.name), file.bytes);
    trusted.add(file.sha256);
    return file.bytes;
  }

  /** A blob that was damaged in the store has the right name and often the right size, so its bytes are read once. */
  private async isReusable({ blob, bytes, sha256 }: ManifestFile, at: Date, trusted: Set<string>): Promise<boolean> {
    const head = await this.objects.head(blob);
    if (head?.bytes !== bytes || at.getTime() - head.modifiedAt.getTime() > REUSE_HOURS * HOUR_MS) return false;
    if (trusted.has(sha256)) return true;
    const read = await orProblem(() => this.objects.hash(blob));
    const intact = 'value' in read && read.value.sha256 === sha256;
    if (intact) trusted.add(sha256);
    return intact;
  }

  private async confirm({ name, blob, bytes }: ManifestFile): Promise<void> {
    const head = await this.objects.head(blob);
    if (head?.bytes === bytes) return;
    const found = head ? `${head.bytes} bytes` : 'nothing';
    throw new CheckpointUploadError(
      `The object store ${this.objects.url} took ${name} (${bytes} bytes) but holds ${found} under ${blob}. ` +
        'The save was given up; the checkpoint before it is untouched',
      { file: name, blob, expected_bytes: bytes, actual_bytes: head?.bytes ?? null },
    );
  }
}
