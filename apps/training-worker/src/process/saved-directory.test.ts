import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateOf, stepsIn } from './checkpoint-directories.js';
import { DirectoryUnusableError } from './errors.js';
import { returnDirectory, takeDirectory } from './saved-directory.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-directory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function given(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

describe.each(['link', 'copy'] as const)('a directory that is taken by %s', (mode) => {
  it('keeps plain names and adds nothing', async () => {
    const from = await given('checkpoint-5', { 'weights.bin': 'w', 'state.json': '{}' });
    expect(await takeDirectory(from, join(folder, 'save'), mode)).toEqual(['state.json', 'weights.bin']);
    expect((await readdir(join(folder, 'save'))).toSorted()).toEqual(['state.json', 'weights.bin']);
  });

  it('comes back as it was: folders, odd names and files that are called like ours', async () => {
    const files = { 'a/b/c.bin': 'deep', '.hidden': 'h', 'ü ü': 'u', 'ktrdr-names.json': 'mine', 'file-00001': 'f' };
    const from = await given('checkpoint-5', files);
    await mkdir(join(from, 'empty'));
    const names = await takeDirectory(from, join(folder, 'save'), mode);
    expect(names).toHaveLength(6);
    await returnDirectory(join(folder, 'save'), join(folder, 'back'));
    for (const [path, text] of Object.entries(files)) {
      expect(await readFile(join(folder, 'back', path), 'utf8')).toBe(text);
    }
    expect((await readdir(join(folder, 'back'))).toSorted()).toEqual((await readdir(from)).toSorted());
  });

  it('is not there any more when the program has removed it', async () => {
    expect(await takeDirectory(join(folder, 'checkpoint-9'), join(folder, 'save'), mode)).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });
});

it('what a program does to its copy does nothing to the stored one', async () => {
  const from = await given('checkpoint-5', { 'state.json': 'as saved' });
  await takeDirectory(from, join(folder, 'save'), 'link');
  await returnDirectory(join(folder, 'save'), join(folder, 'back'));
  await writeFile(join(folder, 'back', 'state.json'), 'spoilt');
  expect(await readFile(join(folder, 'save', 'state.json'), 'utf8')).toBe('as saved');
});

it('a stored checkpoint cannot reach beyond its directory', async () => {
  const names = { version: 1, files: { 'file-00001': '../../escaped' }, folders: [] };
  await given('save', { 'ktrdr-names.json': JSON.stringify(names), 'file-00001': 'x' });
  await expect(returnDirectory(join(folder, 'save'), join(folder, 'back'))).rejects.toThrow(DirectoryUnusableError);
});

describe('among what a program has written', () => {
  it('only directories with the name of a checkpoint count', async () => {
    await given('checkpoint-5', { a: '1' });
    await given('checkpoint-6.tmp', { a: '1' });
    await given('.checkpoint-7', { a: '1' });
    await writeFile(join(folder, 'checkpoint-8'), 'a file');
    await symlink(join(folder, 'checkpoint-5'), join(folder, 'checkpoint-9'));
    expect(await stepsIn(folder)).toEqual([5]);
    expect(await stepsIn(join(folder, 'nowhere'))).toEqual([]);
  });

  it('a directory looks different after any change in it', async () => {
    const directory = await given('checkpoint-5', { 'a/b': '1' });
    const before = await stateOf(folder, 5);
    expect(await stateOf(folder, 5)).toEqual(before);
    await writeFile(join(directory, 'a/b'), '2');
    const changed = await stateOf(folder, 5);
    expect(changed?.fingerprint).not.toBe(before?.fingerprint);
    await writeFile(join(directory, 'c'), '');
    expect((await stateOf(folder, 5))?.fingerprint).not.toBe(changed?.fingerprint);
    expect(await stateOf(folder, 6)).toBeNull();
  });

  it('one with a link in it cannot be used', async () => {
    const directory = await given('checkpoint-5', { a: '1' });
    await symlink('/etc/hostname', join(directory, 'b'));
    await expect(stateOf(folder, 5)).rejects.toThrow(/b, which is neither file nor folder/);
  });
});
