import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunksOfFile } from './file-chunks.js';

const MIB = 1024 * 1024;

describe('chunksOfFile', () => {
  let dir: string;
  let path: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-chunks-'));
    path = join(dir, 'file');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function read(afterFirst: () => Promise<void> = () => Promise.resolve()) {
    const chunks: Buffer[] = [];
    for await (const chunk of chunksOfFile(path)) {
      chunks.push(Buffer.from(chunk));
      if (chunks.length === 1) await afterFirst();
    }
    return { count: chunks.length, bytes: Buffer.concat(chunks) };
  }

  it.each([0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 17])('gives all of %i bytes', async (size) => {
    const content = Buffer.alloc(size, 'abcdefg');
    await writeFile(path, content);
    const { bytes, count } = await read();
    expect(bytes.equals(content)).toBe(true);
    expect(count).toBe(Math.ceil(size / MIB));
  });

  it('gives what a file has become while it was read', async () => {
    const content = Buffer.alloc(MIB + 10, 'x');
    await writeFile(path, content);
    expect((await read(() => appendFile(path, 'more'))).bytes.toString('latin1', MIB + 10)).toBe('more');
    expect((await read(() => truncate(path, MIB + 2))).bytes.length).toBe(MIB + 2);
  });

  it('fails as the file system does', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'ENOENT' });
    path = dir;
    await expect(read()).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
