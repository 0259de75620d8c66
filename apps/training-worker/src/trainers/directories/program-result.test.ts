import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isThere, readResult } from './program-result.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-result-'));
  file = join(folder, 'result.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An object in so many bytes. */
const ofBytes = (bytes: number): string => JSON.stringify({ text: 'x'.repeat(bytes - '{"text":""}'.length) });

describe('a result', () => {
  it('is none where there is no file', async () => {
    expect(await readResult(file)).toEqual({ kind: 'none' });
    expect(await isThere(file)).toBe(false);
  });

  it('is an object of up to 256 KiB', async () => {
    await writeFile(file, ofBytes(262_144));
    expect(await readResult(file)).toMatchObject({ kind: 'read' });
    await writeFile(file, ofBytes(262_145));
    expect(await readResult(file)).toEqual({ kind: 'unreadable', reason: 'it has more than 262144 bytes' });
  });

  it.each(['', 'nonsense', '[]', 'null', '7'])('cannot be read from %j', async (text) => {
    await writeFile(file, text);
    expect(await readResult(file)).toMatchObject({ kind: 'unreadable' });
    expect(await isThere(file)).toBe(true);
  });

  it.each([
    ['a pipe that nobody writes to', () => execFileSync('mkfifo', [file])],
    ['a link to what has no end', () => symlink('/dev/zero', file)],
    [
      'a link to a result',
      async () => {
        await writeFile(join(folder, 'elsewhere'), '{}');
        await symlink('elsewhere', file);
      },
    ],
    ['a folder', () => mkdir(file)],
  ])('is not read from %s', async (_what, make) => {
    await make();
    expect(await readResult(file)).toEqual({ kind: 'unreadable', reason: 'it is no regular file' });
  });
});
