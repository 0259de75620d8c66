import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openObjectStore } from '@ktrdr/object-store';
import { LocalDataSources } from './data-sources.js';

const openFolder = (path: string) => openObjectStore(pathToFileURL(path).href);
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
    openBucket: (bucket) => openFolder(join(folder, bucket)),
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

it('answers for what is outside the same whether it is there or not, and names the folders', async () => {
  const data = join(folder, 'data');
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other', 'there.csv'), 'secret\n');
  await symlink(join(folder, 'other'), join(data, 'linked'));
  await symlink(join(folder, 'nothing.csv'), join(data, 'dangling.csv'));
  await symlink(join(data, 'circle.csv'), join(data, 'circle.csv'));
  const answer = (source: string) =>
    sources.resolve(source, folder).then(
      () => 'found',
      (error: Error) => error.message.replace(source, 'SOURCE'),
    );
  const outside = `The data source SOURCE cannot be used: it is outside the folders of KTRDR_DATA_ROOTS (${data})`;
  for (const source of [
    '/etc/passwd',
    '/etc/nosuchfile',
    join(folder, 'secret.csv'),
    join(folder, 'nothing.csv'),
    '../secret.csv',
    '../nothing.csv',
    `${data}-beside/x.csv`,
    'link.csv',
    'dangling.csv',
    'linked/there.csv',
    'linked/nothing.csv',
  ])
    expect([source, await answer(source)]).toEqual([source, outside]);
  const missing = `The data source SOURCE cannot be used: there is no such file on this worker in the folders of KTRDR_DATA_ROOTS (${data})`;
  expect(await answer('nothing.csv')).toBe(missing);
  expect(await answer('circle.csv')).toBe(missing);
});

it('finds a file by either name of a data folder that is a link', async () => {
  await symlink(join(folder, 'data'), join(folder, 'alias'));
  const openBucket = () => openFolder(folder);
  const aliased = new LocalDataSources({ roots: [join(folder, 'absent'), join(folder, 'alias')], openBucket });
  const path = join(folder, 'data', 'prices.csv');
  for (const source of [path, join(folder, 'alias', 'prices.csv'), 'prices.csv'])
    expect(await aliased.resolve(source, folder)).toBe(path);
});

it('downloads an object', async () => {
  await openFolder(join(folder, 'bucket')).put('in/prices.csv', Buffer.from('date,price\n'));
  expect(await sources.resolve('s3://bucket/in/prices.csv', folder)).toBe(join(folder, 'data.csv'));
});
