import type { FileHandle } from 'node:fs/promises';

/** A run of bytes in a file. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const LENGTH_BYTES = 8;
/** A file with a longer header is cut without regard to its tensors. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/**
 * Where the tensors of a safetensors file are (https://github.com/huggingface/safetensors#format), in the order of the
 * file. Trusts nothing: what is not such a file, or whose offsets make no sense, has none.
 * @param bytes the size of the file.
 */
export async function tensorSpans(file: FileHandle, bytes: number): Promise<readonly Span[]> {
  const header = await readHeader(file, bytes);
  if (!header) return [];
  const dataStart = LENGTH_BYTES + header.length;
  const spans = offsetsIn(header)
    .map(([start, end]) => ({ start: dataStart + start, end: dataStart + end }))
    .toSorted((a, b) => a.start - b.start);
  let covered = dataStart;
  for (const { start, end } of spans) {
    if (start < covered || end > bytes) return [];
    covered = end;
  }
  return spans;
}

/**
 * Whether so much of a file is written that `tensorSpans` finds what it will find in the whole file.
 * @param bytes the size that the file is going to have.
 * @param written how much of it is there.
 */
export async function hasHeader(file: FileHandle, bytes: number, written: number): Promise<boolean> {
  if (written < Math.min(LENGTH_BYTES, bytes)) return false;
  return written >= LENGTH_BYTES + ((await headerLength(file, bytes)) ?? 0) || written === bytes;
}

async function readHeader(file: FileHandle, bytes: number): Promise<Uint8Array | null> {
  const length = await headerLength(file, bytes);
  if (length === null) return null;
  const header = Buffer.alloc(length);
  const { bytesRead } = await file.read(header, 0, header.length, LENGTH_BYTES);
  return bytesRead === header.length ? header : null;
}

/** What the file says of its header, unless that cannot be. */
async function headerLength(file: FileHandle, bytes: number): Promise<number | null> {
  if (bytes < LENGTH_BYTES) return null;
  const length = Buffer.alloc(LENGTH_BYTES);
  await file.read(length, 0, LENGTH_BYTES, 0);
  const headerBytes = length.readBigUInt64LE();
  return headerBytes > BigInt(Math.min(MAX_HEADER_BYTES, bytes - LENGTH_BYTES)) ? null : Number(headerBytes);
}

function offsetsIn(header: Uint8Array): readonly (readonly [number, number])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch {
    return []; // not a header
  }
  return Object.values(parsed ?? {}).flatMap((entry: unknown) => {
    const offsets = (entry as { data_offsets?: unknown } | null)?.data_offsets;
    return isOffsets(offsets) ? [offsets] : [];
  });
}

function isOffsets(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(Number.isSafeInteger) &&
    0 <= value[0] &&
    value[0] <= value[1]
  );
}
