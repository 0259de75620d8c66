import { createHash, type Hash } from 'node:crypto';
import { sha256OfBlobKey } from '@ktrdr/checkpoint';
import type { FileEntry } from '@ktrdr/contracts';
import { partsOf } from '@ktrdr/operations/model';

/** Counts bytes that move, for the one that shows the progress. */
export interface Transfer extends Disposable {
  add(bytes: number): void;
}

/** Begins to show the progress of a transfer; `done` says what happens to the bytes, such as `downloaded`. */
export type BeginTransfer = (done: string, totalBytes: number) => Transfer;

export function bytesOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

interface CheckedFile {
  readonly bytes: number;
  /** Of the whole file. */
  readonly sha256: string;
  /** How it differs from what it must be. */
  readonly difference: { readonly problem: 'wrong-hash' | 'wrong-size'; readonly detail: string } | null;
}

/** Hashes a file as it arrives, whole and part by part, and compares it with its entry. */
export class FileCheck {
  private readonly whole = createHash('sha256');
  private readonly expected: readonly { readonly sha256: string; readonly bytes: number }[];
  private readonly bad: number[] = [];
  private part: Hash = createHash('sha256');
  private index = 0;
  private partBytes = 0;
  private bytes = 0;

  constructor(private readonly file: FileEntry) {
    this.expected = partsOf(file).map(({ blob, bytes }) => ({ sha256: sha256OfBlobKey(blob), bytes }));
  }

  update(chunk: Uint8Array): void {
    this.whole.update(chunk);
    this.bytes += chunk.length;
    for (let rest = chunk; rest.length > 0;) {
      const room = (this.expected[this.index]?.bytes ?? Infinity) - this.partBytes;
      const taken = rest.subarray(0, Math.min(room, rest.length));
      this.part.update(taken);
      this.partBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (taken.length === room) this.closePart();
    }
  }

  finish(): CheckedFile {
    if (this.index < this.expected.length) this.closePart();
    const { bytes, bad } = this;
    return { bytes, sha256: this.whole.digest('hex'), difference: this.difference(bytes, bad) };
  }

  private closePart(): void {
    if (this.part.digest('hex') !== this.expected[this.index]?.sha256) this.bad.push(this.index + 1);
    this.part = createHash('sha256');
    this.index += 1;
    this.partBytes = 0;
  }

  private difference(bytes: number, bad: readonly number[]): CheckedFile['difference'] {
    if (bytes !== this.file.bytes)
      return { problem: 'wrong-size', detail: `${bytes} bytes instead of ${this.file.bytes}` };
    if (bad.length === 0) return null;
    const where = this.expected.length === 1 ? '' : ` in ${bad.length} of ${this.expected.length} parts`;
    return { problem: 'wrong-hash', detail: `${bytes} bytes with another SHA-256 than they must have${where}` };
  }
}
