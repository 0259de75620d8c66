import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What has a name like a file's and is none: a directory, a pipe, a device. */
class NoPlainFileError extends Error {}

/**
 * Opens a file to read it, and nothing that could make a reader wait for ever.
 * @throws {NoPlainFileError}, or what the system says.
 */
export async function openPlainFile(path: string): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe would wait for who writes to it
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new NoPlainFileError(`it is ${kindOf(found)}, not a file`);
    return { file, bytes: found.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  return found.isFIFO() ? 'a pipe' : 'a device';
}
