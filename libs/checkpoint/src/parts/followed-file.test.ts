import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { FollowedFile, following, partsAsWritten, type Writing } from './followed-file.js';

describe('files that are followed', () => {
  let root: string;
  let dir: string;
  let isWritten: boolean;
  let abort: AbortController;
  let writing: Writing;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ktrdr-followed-'));
    dir = join(root, 'save.partial');
    await mkdir(dir);
    isWritten = false;
    abort = new AbortController();
    writing = { isWritten: () => isWritten, signal: abort.signal };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const given = (...names: string[]) => names.map((name) => new FollowedFile(dir, { name, bytes: 5 }));
  const partsOf = async (files: readonly FollowedFile[]) => {
    const parts: string[] = [];
    for await (const { file, span } of partsAsWritten(files, writing)) {
      const part = await file.readPart(span, Buffer.alloc(5));
      parts.push(`${file.name} ${Buffer.from(part).toString()}`);
    }
    return parts;
  };
  const until = async (isSo: () => boolean) => {
    const deadline = performance.now() + 5_000;
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`Not seen: ${isSo}`);
      await turn();
    }
  };

  it('are opened when they appear, though nobody asks for their parts yet', async () => {
    const files = given('a', 'b', 'c');
    const parts = await following(files, writing, async () => {
      await writeFile(join(dir, 'a'), 'first');
      await until(() => files[0]!.isFound);
      await writeFile(join(dir, 'c'), 'third');
      await until(() => files[2]!.isFound);
      await rename(dir, join(root, 'save'));
      isWritten = true;
      return partsOf(files);
    });
    expect(parts).toEqual(['a first', 'c third']);
    expect(files.map(({ isWhole }) => isWhole)).toEqual([true, false, true]);
  });

  it('are closed when they are not wanted any more, and not opened again', async () => {
    const files = given('a', 'b');
    const act = following(files, writing, async () => {
      await writeFile(join(dir, 'a'), 'first');
      await until(() => files[0]!.isFound);
      abort.abort(new Error('superseded'));
      await writeFile(join(dir, 'b'), 'other');
      await files[1]!.open();
      return partsOf(files);
    });
    await expect(act).rejects.toThrow('superseded');
    expect(files.map(({ isFound }) => isFound)).toEqual([true, false]);
  });

  it('are not followed at all when nobody wants them', async () => {
    abort.abort(new Error('superseded'));
    await expect(following(given('a'), writing, () => Promise.resolve())).rejects.toThrow('superseded');
  });
});
