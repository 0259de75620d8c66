import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile, sha256Of } from '@ktrdr/checkpoint';

const MAX_RESULT_BYTES = 1024 * 1024;

/** What a program left as its result: nothing, an object, or something that cannot be read. */
export type ProgramResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'read'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Whether a program has left one, readable or not. */
export async function isThere(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => null)) !== null;
}

export async function readResult(file: string): Promise<ProgramResult> {
  const found = await stat(file).catch(() => null);
  if (!found) return { kind: 'none' };
  if (found.size > MAX_RESULT_BYTES) return unreadable(`it has more than ${MAX_RESULT_BYTES} bytes`);
  try {
    const result: unknown = JSON.parse(await readFile(file, 'utf8'));
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
