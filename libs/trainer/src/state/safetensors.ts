import { CheckpointFileError } from '../errors.js';

/** Element types that training state needs. */
type TensorDtype = 'F32' | 'I32';

export interface TensorLayout {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
}

export interface StoredTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

const LENGTH_BYTES = 8;
const ELEMENT_BYTES = 4;
const MAX_HEADER_BYTES = 100_000_000; // the reference implementation's limit

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Writes tensors of one layout in the safetensors format (https://github.com/huggingface/safetensors#format), as often
 * as wanted. The same tensors give the same bytes: names are sorted, and the header is padded with spaces to a multiple
 * of 8.
 */
export class SafetensorsWriter {
  private readonly layouts: readonly TensorLayout[];
  private readonly header: Uint8Array;

  constructor(layouts: readonly TensorLayout[], metadata: Readonly<Record<string, string>> = {}) {
    this.layouts = [...layouts].sort((left, right) => (left.name < right.name ? -1 : 1));
    this.header = headerOf(this.layouts, metadata);
  }

  /**
   * @param read gives the values of one tensor; called once each, in the order of the names.
   * @returns the header and then the values themselves, not copies, to be written one after the other.
   */
  chunks(read: (name: string) => Float32Array | Int32Array): readonly Uint8Array[] {
    const values = this.layouts.map(({ name, shape }) => {
      const { buffer, byteOffset, byteLength, length } = read(name);
      if (length !== elementsOf(shape)) {
        throw new RangeError(`${name} has ${length} elements, its shape [${shape.join(', ')}] another number`);
      }
      return new Uint8Array(buffer, byteOffset, byteLength);
    });
    return [this.header, ...values];
  }
}

/** The same once, as one piece of memory. */
export function encodeSafetensors(
  layouts: readonly TensorLayout[],
  read: (name: string) => Float32Array | Int32Array,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return Buffer.concat(new SafetensorsWriter(layouts, metadata).chunks(read));
}

function headerOf(sorted: readonly TensorLayout[], metadata: Readonly<Record<string, string>>): Uint8Array {
  let end = 0;
  const entries = sorted.map(({ name, dtype, shape }) => {
    const start = end;
    end += elementsOf(shape) * ELEMENT_BYTES;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [start, end] })}`;
  });
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    entries.unshift(`"__metadata__":${JSON.stringify(Object.fromEntries(keys.map((key) => [key, metadata[key]])))}`);
  }
  const header = Buffer.from(`{${entries.join(',')}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const bytes = Buffer.alloc(LENGTH_BYTES + headerBytes, 0x20);
  bytes.writeBigUInt64LE(BigInt(headerBytes));
  bytes.set(header, LENGTH_BYTES);
  return bytes;
}

interface Entry extends StoredEntry {
  readonly name: string;
}
interface StoredEntry {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a safetensors file of F32 and I32 tensors, trusting nothing in it.
 * @param bytes must not change any more: where their alignment allows it, the tensors are views of them.
 * @param file is named in errors.
 * @throws {CheckpointFileError} when a length, an offset, a shape or an element type is not as the format has it, or
 *   tensors overlap or leave gaps.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): ReadonlyMap<string, StoredTensor> {
  const dataStart = LENGTH_BYTES + headerLength(bytes, file);
  const entries = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), file);
  const dataBytes = bytes.length - dataStart;
  let covered = 0;
  for (const { name, start, end } of [...entries].sort(
    (left, right) => left.start - right.start || left.end - right.end,
  )) {
    if (start !== covered) throw new CheckpointFileError(file, `${name} begins at ${start}, not at ${covered}`);
    covered = end;
  }
  if (covered !== dataBytes) {
    throw new CheckpointFileError(file, `its tensors take ${covered} bytes, but it holds ${dataBytes}`);
  }
  return new Map(
    entries.map(({ name, dtype, shape, start, end }) => {
      const { buffer, byteOffset } = aligned(bytes.subarray(dataStart + start, dataStart + end));
      const length = elementsOf(shape);
      const data =
        dtype === 'F32' ? new Float32Array(buffer, byteOffset, length) : new Int32Array(buffer, byteOffset, length);
      return [name, { dtype, shape, data }];
    }),
  );
}

/** Typed arrays begin at multiples of their element's size. Files of ours are such that no copy is needed. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % ELEMENT_BYTES === 0 ? bytes : Uint8Array.from(bytes);
}

function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < LENGTH_BYTES) throw new CheckpointFileError(file, `it is only ${bytes.length} bytes long`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES))) {
    throw new CheckpointFileError(file, `its header claims ${length} bytes, more than there are`);
  }
  return Number(length);
}

function parseHeader(header: Uint8Array, file: string): readonly Entry[] {
  if (header[0] !== 0x7b) throw new CheckpointFileError(file, 'its header does not start with {');
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (cause) {
    throw new CheckpointFileError(file, 'its header is not JSON', { cause });
  }
  return Object.entries(parsed as Record<string, unknown>)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => ({ name, ...parseEntry(name, value, file) }));
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseEntry(name: string, value: unknown, file: string): StoredEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (dtype !== 'F32' && dtype !== 'I32') {
    throw new CheckpointFileError(file, `${name} has the element type ${String(dtype)}, not F32 or I32`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) throw new CheckpointFileError(file, `${name} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw new CheckpointFileError(file, `${name} has no valid offsets`);
  }
  const [start, end] = offsets as [number, number];
  if (end - start !== elementsOf(shape) * ELEMENT_BYTES) {
    throw new CheckpointFileError(file, `${name} takes ${end - start} bytes, its shape needs another number`);
  }
  return { dtype, shape, start, end };
}
