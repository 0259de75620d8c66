/** A safetensors file of byte tensors, in the order in which they are given. */
export function safetensorsOf(tensors: Readonly<Record<string, Uint8Array>>): {
  readonly bytes: Uint8Array;
  readonly dataStart: number;
} {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { length }]) => {
    const start = end;
    end += length;
    return [name, { dtype: 'U8', shape: [length], data_offsets: [start, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return { bytes: Buffer.concat([length, header, ...Object.values(tensors)]), dataStart: 8 + header.length };
}
