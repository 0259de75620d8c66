import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LocalFileError } from '../errors.js';

/**
 * Lets `fill` work in a temporary directory beside `path`, which becomes `path` when it succeeds and is removed when
 * it fails.
 * @param path must not exist, or be an empty directory.
 * @throws LocalFileError
 */
export async function intoNewDirectory<Result>(path: string, fill: (dir: string) => Promise<Result>): Promise<Result> {
  const dir = await orLocalError(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    return mkdtemp(`${path}.restoring-`);
  });
  try {
    const result = await fill(dir);
    await orLocalError(path, () => rename(dir, path));
    return result;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function orLocalError<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw new LocalFileError('write', path, error);
  }
}
