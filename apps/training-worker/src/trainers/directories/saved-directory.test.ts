import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentsOf, entriesNow, entriesOf } from './checkpoint-directories.js';
import { checkpointsAmong, type PlaceEntry } from './checkpoint-names.js';
import { DirectoryUnusableError } from '../programs/errors.js';
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

  it('comes back with a file that is called like what every object has', async () => {
    const from = await given('checkpoint-5', { constructor: 'c', 'a name': 'n' });
    await writeFile(join(from, '__proto__'), 'p');
    await takeDirectory(from, join(folder, 'save'), mode);
    await returnDirectory(join(folder, 'save'), join(folder, 'back'));
    expect((await readdir(join(folder, 'back'))).toSorted()).toEqual(['__proto__', 'a name', 'constructor']);
    expect(await readFile(join(folder, 'back', '__proto__'), 'utf8')).toBe('p');
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
  it('directories count, links are told and files are left alone', async () => {
    await given('checkpoint-000005', { a: '1' });
    await writeFile(join(folder, 'checkpoint-8'), 'a file');
    await symlink(join(folder, 'checkpoint-5'), join(folder, 'checkpoint-9'));
    const { directories, refused } = checkpointsAmong(await entriesOf(folder));
    expect(directories).toEqual([{ step: 5, name: 'checkpoint-000005' }]);
    expect(refused).toMatchObject([{ step: 9 }]);
    expect(entriesNow(folder)?.toSorted(byName)).toEqual((await entriesOf(folder)).toSorted(byName));
    expect(await entriesOf(join(folder, 'nowhere'))).toEqual([]);
    expect(entriesNow(join(folder, 'nowhere'))).toBeNull();
  });

  it('a directory looks different after any change in it', async () => {
    const directory = await given('checkpoint-5', { 'a/b': '1' });
    const before = await contentsOf(directory);
    expect(await contentsOf(directory)).toEqual(before);
    await writeFile(join(directory, 'a/b'), '2');
    const changed = await contentsOf(directory);
    expect(changed?.fingerprint).not.toBe(before?.fingerprint);
    await writeFile(join(directory, 'c'), '');
    expect((await contentsOf(directory))?.fingerprint).not.toBe(changed?.fingerprint);
    expect(await contentsOf(join(folder, 'checkpoint-6'))).toBeNull();
  });

  it('one with a link in it cannot be used until the link is gone', async () => {
    const directory = await given('checkpoint-5', { a: '1' });
    await symlink('/etc/hostname', join(directory, 'b'));
    const contents = await contentsOf(directory);
    expect(contents).toMatchObject({ files: ['a'], count: 2 });
    expect(contents?.problem).toMatch(/^checkpoint-5 is passed over: it holds b, which is neither file nor folder/);
    await expect(takeDirectory(directory, join(folder, 'save'), 'link')).rejects.toThrow(DirectoryUnusableError);
    await rm(join(directory, 'b'));
    expect(await contentsOf(directory)).toMatchObject({ problem: null });
  });

  it('one with a name that is no text cannot be used, and one in UTF-8 can', async () => {
    const directory = await given('checkpoint-5', { 'modèle \u{fffd}.bin': '1' });
    expect(await contentsOf(directory)).toMatchObject({ problem: null, files: ['modèle \u{fffd}.bin'] });
    await writeFile(Buffer.from(join(directory, 'modèle.bin'), 'latin1'), '');
    expect((await contentsOf(directory))?.problem).toBe(
      'checkpoint-5 is passed over: it holds mod\u{fffd}le.bin, whose name is not UTF-8',
    );
  });

  it('one with more files than a message can name cannot be used', async () => {
    const directory = await given('checkpoint-5', { 'state/last': '' });
    const names = Array.from({ length: 1_999 }, (_, nth) => join(directory, 'state', `${nth}`));
    await Promise.all(names.map((name) => writeFile(name, '')));
    expect(await contentsOf(directory)).toMatchObject({ problem: null, count: 2_000 });
    await writeFile(join(directory, 'one more'), '');
    expect((await contentsOf(directory))?.problem).toBe('checkpoint-5 is passed over: it holds more than 2000 files');
  });

  it('one that is too deep cannot be used', async () => {
    const directory = join(folder, 'checkpoint-5');
    await mkdir(join(directory, ...Array.from({ length: 33 }, () => 'd')), { recursive: true });
    expect((await contentsOf(directory))?.problem).toMatch(/folders more than 32 deep$/);
  });
});

function byName(a: PlaceEntry, b: PlaceEntry): number {
  return a.name < b.name ? -1 : 1;
}
