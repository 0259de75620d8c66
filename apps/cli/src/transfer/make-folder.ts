import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../errors/errors.js';
import { codeOfFileError, reasonOfFileError } from './file-errors.js';

/**
 * Makes a folder that is not there, with those above it that are not there either.
 * @returns all that it made, the outermost first.
 * @throws {UsageError}
 */
export async function makeFolder(path: string): Promise<readonly string[]> {
  const made: string[] = [];
  try {
    await make(path, made);
    return made;
  } catch (error) {
    await removeEmpty(made);
    const reason = codeOfFileError(error) === 'ENOENT' ? 'none can be made there' : reasonOfFileError(error);
    throw new UsageError(`Cannot make the folder ${path}: ${reason}. Give another place, or make this one usable`, {
      path,
    });
  }
}

/** Removes folders that {@link makeFolder} made, as far as nothing is in them. */
export async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const folder of made.toReversed()) await rmdir(folder).catch(() => undefined);
}

/** Node's own recursion never ends where a folder is there and takes none, such as /proc. */
async function make(path: string, made: string[]): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const parent = dirname(path);
    if (codeOfFileError(error) !== 'ENOENT' || parent === path || (await isThere(parent))) throw error;
    await make(parent, made);
    await mkdir(path);
  }
  made.push(path);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
