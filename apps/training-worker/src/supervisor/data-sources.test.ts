import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FileObjectStore } from '@ktrdr/object-store';
import { LocalDataSources } from './data-sources.js';

let folder: string;
let sources: LocalDataSources;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ktrdr-data-')));
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'data', 'prices.csv'), 'date,price\n');
  await writeFile(join(folder, 'secret.csv'), 'secret\n');
  await symlink(join(folder, 'secret.csv'), join(folder, 'data', 'link.csv'));
  sources = new LocalDataSources({
    roots: [join(folder, 'data')],
    openBucket: (bucket) => new FileObjectStore(join(folder, bucket)),
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('leaves a built-in set to the trainer', async () => {
  expect(await sources.resolve('dataset:sp500', folder)).toBeNull();
});

it('finds a file by its path, its URL or its name inside a data folder', async () => {
  const path = join(folder, 'data', 'prices.csv');
  expect(await sources.resolve(path, folder)).toBe(path);
  expect(await sources.resolve(pathToFileURL(path).href, folder)).toBe(path);
  expect(await sources.resolve('prices.csv', folder)).toBe(path);
});

it.each(['secret.csv', '../secret.csv', 'data/link.csv', 'link.csv', '/etc/passwd', 'file://host/x', 'data', 's3://b'])(
  'refuses %s',
  async (source) => {
    const absolute = source === 'secret.csv' ? join(folder, source) : source;
    await expect(sources.resolve(absolute, folder)).rejects.toMatchObject({ code: 'data-not-found' });
  },
);

it('downloads an object', async () => {
  await new FileObjectStore(join(folder, 'bucket')).put('in/prices.csv', Buffer.from('date,price\n'));
  expect(await sources.resolve('s3://bucket/in/prices.csv', folder)).toBe(join(folder, 'data.csv'));
});
