import { CheckpointFileError } from '../errors.js';
import { decodeSafetensors, encodeSafetensors, type TensorLayout } from './safetensors.js';

const LAYOUTS: readonly TensorLayout[] = [
  { name: 'b/kernel', dtype: 'F32', shape: [2, 3] },
  { name: 'a', dtype: 'I32', shape: [1] },
  { name: 'é"\\', dtype: 'F32', shape: [] },
  { name: 'empty', dtype: 'F32', shape: [0, 4] },
];
const VALUES: Readonly<Record<string, Float32Array | Int32Array>> = {
  'b/kernel': Float32Array.of(1.5, -0, NaN, Infinity, -Infinity, 1e-45),
  a: Int32Array.of(-7),
  'é"\\': Float32Array.of(0.1),
  empty: new Float32Array(0),
};
const encode = (layouts = LAYOUTS) => encodeSafetensors(layouts, (name) => VALUES[name]!, { written_by: 'test' });

/** A file with this header and that many zero bytes of data. */
function withHeader(header: string, dataBytes: number, length = Buffer.byteLength(header)): Uint8Array {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(header) + dataBytes);
  bytes.writeBigUInt64LE(BigInt(length));
  bytes.write(header, 8);
  return bytes;
}
const entry = (offsets: string, shape = '[1]', dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe('safetensors', () => {
  it('give back every bit, NaN, infinities and minus zero included', () => {
    const decoded = decodeSafetensors(encode(), 'x');
    expect([...decoded.keys()].sort()).toEqual(LAYOUTS.map(({ name }) => name).sort());
    for (const { name, dtype, shape } of LAYOUTS) {
      const tensor = decoded.get(name)!;
      expect(tensor).toMatchObject({ dtype, shape });
      expect(Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)).toEqual(
        Buffer.from(VALUES[name]!.buffer),
      );
    }
  });

  it('are read from a part of a larger buffer', () => {
    const bytes = encode();
    const buffer = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5)]).subarray(3, 3 + bytes.length);
    expect(decodeSafetensors(buffer, 'x')).toEqual(decodeSafetensors(bytes, 'x'));
  });

  it('are the same bytes whatever the order of the tensors', () => {
    expect(encode([...LAYOUTS].reverse())).toEqual(encode());
  });

  it('follow the format: header length, sorted names, spaces up to a multiple of 8', () => {
    const bytes = Buffer.from(encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [1] }], () => Float32Array.of(1)));
    const header = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(56);
    expect(bytes.readBigUInt64LE()).toBe(56n);
    expect(bytes.toString('utf8', 8, 64)).toBe(header);
    expect(bytes.readFloatLE(64)).toBe(1);
    expect(bytes).toHaveLength(68);
  });

  it('refuse values that do not fill their shape', () => {
    expect(() => encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [2] }], () => Float32Array.of(1))).toThrow(
      RangeError,
    );
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['less than a header length', new Uint8Array(7)],
    ['a header longer than the file', withHeader('{}', 0, 3)],
    ['a header of 2^63 bytes', Buffer.from('0000000000000080', 'hex')],
    ['a header that is not JSON', withHeader('{nope}', 0)],
    ['a header that is no object', withHeader('[]', 0)],
    ['invalid UTF-8', Buffer.concat([Buffer.from('0300000000000000', 'hex'), Buffer.from([0x7b, 0xff, 0x7d])])],
    ['an unknown element type', withHeader(`{"w":${entry('[0,4]', '[1]', 'F64')}}`, 4)],
    ['an entry that is no object', withHeader('{"w":null}', 0)],
    ['a negative shape', withHeader(`{"w":${entry('[0,4]', '[-1]')}}`, 4)],
    ['a fractional offset', withHeader(`{"w":${entry('[0,4.5]')}}`, 4)],
    ['three offsets', withHeader(`{"w":${entry('[0,2,4]')}}`, 4)],
    ['offsets that are not the shape’s size', withHeader(`{"w":${entry('[0,8]')}}`, 8)],
    ['offsets the wrong way round', withHeader(`{"w":${entry('[4,0]')}}`, 4)],
    ['overlapping tensors', withHeader(`{"v":${entry('[0,4]')},"w":${entry('[0,4]')}}`, 4)],
    ['a gap between tensors', withHeader(`{"v":${entry('[0,4]')},"w":${entry('[8,12]')}}`, 12)],
    ['a gap before the first tensor', withHeader(`{"w":${entry('[4,8]')}}`, 8)],
    ['data that is cut off', encode().slice(0, -1)],
    ['bytes after the data', Buffer.concat([encode(), Buffer.alloc(1)])],
  ])('refuse %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes, 'weights.safetensors')).toThrow(CheckpointFileError);
  });
});
