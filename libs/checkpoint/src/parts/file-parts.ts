import { MAX_BLOB_BYTES } from '@ktrdr/operations';
import type { Span } from './tensor-spans.js';

const MEBIBYTE = 1024 * 1024;
/**
 * Bytes of a part. Each costs the store a few round trips and, on disk, an fsync; each in flight costs its size in
 * memory; and one changed byte costs the whole of it.
 */
export const PART_BYTES = 8 * MEBIBYTE;
/** A file that is not larger is stored in one piece. */
export const WHOLE_FILE_BYTES = 2 * MEBIBYTE;
/** A tensor of this size or more shares no part with anything else, so that it costs nothing while it does not change. */
export const OWN_PARTS_BYTES = MEBIBYTE;
/** More would make the manifest and the row of the checkpoint unwieldy. */
const MANY_PARTS = 2_000;

/**
 * How a file is cut into parts: at the ends of its large tensors, and every `PART_BYTES` from there. The same tensor
 * gives the same parts wherever in a file it is.
 * @param tensors in the order of the file, without overlaps; none for a file that holds no tensors.
 */
export function cutIntoParts(bytes: number, tensors: readonly Span[] = []): readonly Span[] {
  if (bytes <= WHOLE_FILE_BYTES) return [{ start: 0, end: bytes }];
  const partBytes = partBytesFor(bytes);
  const cuts = tensors
    .filter(({ start, end }) => end - start >= OWN_PARTS_BYTES)
    .flatMap(({ start, end }) => [start, end]);
  const parts = piecesBetween([0, ...cuts, bytes], partBytes);
  return parts.length <= 2 * MANY_PARTS ? parts : piecesBetween([0, bytes], partBytes);
}

/** No part of a file of this size has more bytes. */
export function largestPart(bytes: number): number {
  return bytes <= WHOLE_FILE_BYTES ? bytes : Math.min(bytes, partBytesFor(bytes));
}

/** Depends on nothing but the size, so that a file of the same size is cut in the same way. */
function partBytesFor(bytes: number): number {
  let partBytes = PART_BYTES;
  while (bytes / partBytes > MANY_PARTS && partBytes < MAX_BLOB_BYTES) partBytes *= 2;
  return partBytes;
}

function piecesBetween(cuts: readonly number[], partBytes: number): Span[] {
  const pieces: Span[] = [];
  for (const [index, end] of cuts.slice(1).entries()) {
    for (let start = cuts[index] ?? 0; start < end; start += partBytes) {
      pieces.push({ start, end: Math.min(start + partBytes, end) });
    }
  }
  return pieces;
}
