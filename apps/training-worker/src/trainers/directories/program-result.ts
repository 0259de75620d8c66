import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile, sha256Of } from '@ktrdr/checkpoint';

const MAX_RESULT_BYTES = 256 * 1024;
/** Follows no link, and does not wait for the other end of a pipe. */
const FOR_READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The result of a program: none, an object, or unreadable. */
export type ProgramResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'read'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Whether the file exists, readable or not. */
export async function isThere(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => null)) !== null;
}

/** Reads regular files only, up to the limit. */
export async function readResult(file: string): Promise<ProgramResult> {
  if (!(await isThere(file))) return { kind: 'none' };
  try {
    const bytes = await bytesOf(file);
    if (!bytes) return unreadable('it is no regular file');
    if (bytes.length > MAX_RESULT_BYTES) return unreadable(`it has more than ${MAX_RESULT_BYTES} bytes`);
    const result: unknown = JSON.parse(bytes.toString());
    if (typeof result !== 'object' || result === null || Array.isArray(result))
      return unreadable('it is no JSON object');
    return { kind: 'read', result: result as Record<string, unknown> };
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** As of a directory by `sha256sum * | sha256sum`: over a line with the hash and the name of each file, by name. */
export async function sha256OfFiles(dir: string): Promise<string> {
  const lines: string[] = [];
  for (const name of (await readdir(dir)).toSorted((a, b) => (a < b ? -1 : 1))) {
    lines.push(`${(await digestOfFile(join(dir, name))).sha256}  ${name}\n`);
  }
  return sha256Of(Buffer.from(lines.join('')));
}

export async function fingerprintOf(file: string | null): Promise<string> {
  return file === null ? 'none' : (await digestOfFile(file)).sha256;
}

function unreadable(reason: string): ProgramResult {
  return { kind: 'unreadable', reason };
}

/** Its bytes, up to one more than the limit; null when it is no regular file. */
async function bytesOf(file: string): Promise<Buffer | null> {
  if (!(await lstat(file)).isFile()) return null;
  const handle = await open(file, FOR_READING);
  try {
    // Something else may have taken its place meanwhile.
    if (!(await handle.stat()).isFile()) return null;
    const buffer = Buffer.alloc(MAX_RESULT_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}
