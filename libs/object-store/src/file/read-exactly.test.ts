import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readExactly } from './file-chunks.js';

describe('reading a file of a known size', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ktrdr-read-exactly-'));
    await writeFile(join(dir, 'five'), 'abcde');
    await writeFile(join(dir, 'empty'), '');
  });
  afterAll(() => rm(dir, { recursive: true }));

  it.each([
    ['five', 5, true],
    ['five', 4, false],
    ['five', 6, false],
    ['empty', 0, true],
    ['empty', 1, false],
  ])('%s into %i bytes: %s', async (name, bytes, isRead) => {
    const into = Buffer.alloc(bytes);
    await expect(readExactly(join(dir, name), into)).resolves.toBe(isRead);
    if (isRead) expect(into.toString()).toBe('abcde'.slice(0, bytes));
  });

  it('says what the system says', async () => {
    await expect(readExactly(join(dir, 'none'), Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readExactly(dir, Buffer.alloc(1))).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
