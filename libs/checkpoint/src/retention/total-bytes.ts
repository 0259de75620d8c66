import { type Checkpoint, partsOf } from '@ktrdr/operations';

/** The least that deciding by bytes needs of a checkpoint. */
export interface SizedCheckpoint {
  readonly id: string;
  readonly createdAt: Date;
  /** Its blobs, each once. */
  readonly blobs: readonly { readonly blob: string; readonly bytes: number }[];
  /** Nothing but the limit speaks for keeping it. */
  readonly isExpendable: boolean;
}

/** @returns what deciding by bytes needs of a committed checkpoint. */
export function toSized({ id, createdAt, files }: Checkpoint, isExpendable: boolean): SizedCheckpoint {
  const blobs = [...new Map(files.flatMap(partsOf).map((part) => [part.blob, part])).values()];
  return { id, createdAt, blobs, isExpendable };
}

/** Of all blobs together, each counted once. */
export function totalBytes(checkpoints: readonly SizedCheckpoint[]): number {
  const bytesOf = new Map(checkpoints.flatMap(({ blobs }) => blobs.map(({ blob, bytes }) => [blob, bytes] as const)));
  return [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Which of the expendable ones go, oldest first, until all blobs together take at most `maxBytes`, each counted once.
 * One that would free nothing, because others name its bytes too, may go with them.
 */
export function beyondTotalBytes(checkpoints: readonly SizedCheckpoint[], maxBytes: number): readonly string[] {
  const namedBy = new Map<string, number>();
  let total = totalBytes(checkpoints);
  for (const { blob } of checkpoints.flatMap(({ blobs }) => blobs)) namedBy.set(blob, (namedBy.get(blob) ?? 0) + 1);
  const oldestFirst = checkpoints
    .filter(({ isExpendable }) => isExpendable)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
  const gone: string[] = [];
  for (const { id, blobs } of oldestFirst) {
    if (total <= maxBytes) break;
    gone.push(id);
    for (const { blob, bytes } of blobs) {
      const others = (namedBy.get(blob) ?? 1) - 1;
      namedBy.set(blob, others);
      if (others === 0) total -= bytes;
    }
  }
  return gone;
}
