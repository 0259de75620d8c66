import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors/errors.js';

/** What `ktrdr login` remembers. */
export interface Login {
  readonly url: string;
  readonly token: string;
}

function loginPath(configDir: string): string {
  return join(configDir, 'login.json');
}

/** Null when nobody has logged in yet. */
export async function readLogin(configDir: string): Promise<Login | null> {
  const path = loginPath(configDir);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new UsageError(`Cannot read ${path}: ${(error as Error).message}`, { path }, { cause: error });
  }
  const login = parseLogin(text);
  if (!login) throw new UsageError(`${path} is not a login file. Run "ktrdr login" to write it anew`, { path });
  return login;
}

/** Readable by its owner only, and never half-written. Returns where it is. */
export async function writeLogin(configDir: string, login: Login): Promise<string> {
  const path = loginPath(configDir);
  const draft = `${path}.${process.pid}`;
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  await writeFile(draft, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, path);
  return path;
}

function parseLogin(text: string): Login | null {
  try {
    const { url, token } = JSON.parse(text) as Partial<Record<string, unknown>>;
    return typeof url === 'string' && typeof token === 'string' ? { url, token } : null;
  } catch {
    return null; // told apart from a missing file by the caller
  }
}
