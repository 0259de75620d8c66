/** No blob has more bytes, so that a reader may hold any of them in memory. */
export const MAX_BLOB_BYTES = 64 * 1024 * 1024;

/** Bytes under their own hash in the object store. */
export interface StoredPart {
  readonly blob: string;
  readonly bytes: number;
}

/** A file of a checkpoint: whole in one blob, with its SHA-256, or in parts that follow each other, each under its own. */
export interface CheckpointFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256?: string | undefined;
  readonly blob?: string | undefined;
  readonly parts?: readonly StoredPart[] | undefined;
}

/** Where a file's bytes are, in their order. */
export function partsOf({ blob, bytes, parts }: CheckpointFile): readonly StoredPart[] {
  return parts ?? (blob === undefined ? [] : [{ blob, bytes }]);
}
