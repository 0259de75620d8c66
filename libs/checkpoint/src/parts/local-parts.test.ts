import { writeSpan } from './local-parts.js';

describe('a part', () => {
  /** Takes three bytes at once. */
  const givenFile = (bytes: Buffer) => ({
    write: (part: Uint8Array, offset: number, length: number, position: number) => {
      const bytesWritten = Math.min(3, length);
      bytes.set(part.subarray(offset, offset + bytesWritten), position);
      return Promise.resolve({ bytesWritten, buffer: part });
    },
  });

  it('is written to its end, where the system takes less at once', async () => {
    const written = Buffer.alloc(10, '.');
    await writeSpan(givenFile(written) as unknown as Parameters<typeof writeSpan>[0], Buffer.from('abcdefgh'), 1);
    expect(written.toString()).toBe('.abcdefgh.');
  });
});
