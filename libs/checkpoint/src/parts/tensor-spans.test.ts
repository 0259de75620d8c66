import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorSpans } from './tensor-spans.js';
import { safetensorsOf } from '../testing/safetensors-file.js';

describe('the tensors of a safetensors file', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-spans-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const spansOf = async (bytes: Uint8Array) => {
    const path = join(dir, 'file');
    await writeFile(path, bytes);
    const file = await open(path);
    try {
      return await tensorSpans(file, bytes.length);
    } finally {
      await file.close();
    }
  };
  const withHeader = (header: string, data = 100) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
  };

  it('are where its header says, in the order of the file', async () => {
    const { bytes, dataStart } = safetensorsOf({ b: new Uint8Array(8), a: new Uint8Array(16) });
    expect(await spansOf(bytes)).toEqual([
      { start: dataStart, end: dataStart + 8 },
      { start: dataStart + 8, end: dataStart + 24 },
    ]);
  });

  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is shorter than its length field', Buffer.alloc(7)],
    ['claims a header of 2^64 - 1 bytes', Buffer.alloc(64, 0xff)],
    ['has a header that is not JSON', withHeader('{"a":')],
    ['has a header that is null', withHeader('null')],
    ['has a header that is a list of numbers', withHeader('[1,2]')],
    ['has offsets past its end', withHeader('{"a":{"data_offsets":[0,101]}}')],
    ['has tensors that overlap', withHeader('{"a":{"data_offsets":[0,8]},"b":{"data_offsets":[4,12]}}')],
    ['has offsets that run backwards', withHeader('{"a":{"data_offsets":[8,0]}}')],
    ['has offsets that are no whole numbers', withHeader('{"a":{"data_offsets":[0.5,8]}}')],
    ['has negative offsets', withHeader('{"a":{"data_offsets":[-8,8]}}')],
  ])('are none in a file that %s', async (_, bytes) => {
    expect(await spansOf(bytes)).toEqual([]);
  });
});
