import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IdentityKeyDamagedError } from './errors.js';
import { loadIdentityKey } from './identity-key.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-identity-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('makes a key once, in a file that only its owner can read', async () => {
  const worker = join(folder, 'w1');
  const made = await loadIdentityKey(worker);
  expect((await loadIdentityKey(worker)).publicKey).toBe(made.publicKey);
  expect((await stat(join(worker, 'identity.nk'))).mode & 0o777).toBe(0o600);
});

it('does not replace a damaged key, and does not show it', async () => {
  const path = join(folder, 'identity.nk');
  const { seed } = await loadIdentityKey(folder);
  const damaged = seed.slice(0, -2);
  await writeFile(path, damaged);
  const loading = loadIdentityKey(folder);
  await expect(loading).rejects.toThrow(IdentityKeyDamagedError);
  await expect(loading).rejects.not.toThrow(damaged);
  expect(await readFile(path, 'utf8')).toBe(damaged);
});
