import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Nkey } from '@ktrdr/messaging-nats';
import { IdentityKeyDamagedError } from './errors.js';

/**
 * The key that this worker is known by, from its folder; made when there is none. Only its owner can read the file.
 * @throws {IdentityKeyDamagedError}
 */
export async function loadIdentityKey(folder: string): Promise<Nkey> {
  const path = join(folder, 'identity.nk');
  await mkdir(folder, { recursive: true });
  const seed = await readFile(path, 'utf8').catch(ifAbsent(() => make(path)));
  try {
    return Nkey.fromSeed('user', seed);
  } catch (cause) {
    throw new IdentityKeyDamagedError(path, { cause });
  }
}

async function make(path: string): Promise<string> {
  const { seed } = Nkey.generate('user');
  await writeFile(path, `${seed}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return seed;
}

function ifAbsent<T>(then: () => Promise<T>): (error: NodeJS.ErrnoException) => Promise<T> {
  return (error) => {
    if (error.code !== 'ENOENT') throw error;
    return then();
  };
}
