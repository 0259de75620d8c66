// Compiles every project's TypeScript into its dist/, in one process. Types are checked elsewhere (`npm run typecheck`).
// `node tools/build/build.mjs [--if-changed] [libs/x apps/y tools bench]`; without names, everything.
import { transformFile } from '@swc/core';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { generateClient } from '../db/generate.mjs';

const root = join(import.meta.dirname, '..', '..');
const stamp = join(root, '.cache', 'build.sha256');
const args = process.argv.slice(2);
const only = args.filter((arg) => !arg.startsWith('--'));
const options = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2023',
    keepClassNames: true,
  },
  module: { type: 'es6' },
  sourceMaps: true,
};

/** Projects keep their sources in src/; tools and bench are all source. */
async function projects() {
  const found = ['tools', 'bench'].map((name) => ({ path: name, from: join(root, name) }));
  for (const room of ['libs', 'apps']) {
    for (const name of await readdir(join(root, room))) {
      found.push({ path: join(room, name), from: join(root, room, name, 'src') });
    }
  }
  return only.length > 0 ? found.filter(({ path }) => only.includes(path)) : found;
}

/** What a project's dist is made of: its TypeScript, and other files of src/ as they are. */
async function sources({ path, from }) {
  const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !/\/(dist|node_modules)(\/|$)/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\.(d|test)\.ts$/.test(file) && (/\.ts$/.test(file) || path.includes('/')))
    .filter((file) => !/\.md$/.test(file));
}

async function fingerprint(files) {
  const hash = createHash('sha256').update(await readFile(import.meta.filename));
  for (const file of files.toSorted()) {
    const { mtimeMs, size } = await stat(file);
    hash.update(`${relative(root, file)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** Written aside and moved into place, and only when it differs: a process that runs from dist/ never sees half a file. */
async function place(target, content) {
  const present = await readFile(target).catch(() => undefined);
  if (present?.equals(content)) return;
  await mkdir(dirname(target), { recursive: true });
  const aside = `${target}.${process.pid}.tmp`;
  await writeFile(aside, content);
  await rename(aside, target);
}

async function compile(source, target) {
  if (!source.endsWith('.ts')) return place(target, await readFile(source));
  const { code, map } = await transformFile(source, { ...options, sourceFileName: relative(dirname(target), source) });
  const mapName = `${target.split('/').at(-1)}.map`;
  await place(target, Buffer.from(`${code}\n//# sourceMappingURL=${mapName}\n`));
  await place(`${target}.map`, Buffer.from(map ?? ''));
}

async function removeStale(dist, kept) {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !file.endsWith('.tmp') && !kept.has(file.replace(/\.map$/, '')))
      await rm(file, { force: true });
  }
}

async function build(project, files) {
  const dist = join(root, project.path, 'dist');
  const targets = new Map(
    files.map((file) => [file, join(dist, relative(project.from, file).replace(/\.ts$/, '.js'))]),
  );
  await Promise.all([...targets].map(([source, target]) => compile(source, target)));
  await removeStale(dist, new Set(targets.values()));
}

const startedAt = Date.now();
if (only.length === 0 || only.includes('libs/operations-prisma')) await generateClient();
const work = await Promise.all((await projects()).map(async (project) => ({ project, files: await sources(project) })));
const expected = await fingerprint(work.flatMap(({ files }) => files));
const isBuilt = async ({ project, files }) =>
  files.length === 0 || (await stat(join(root, project.path, 'dist')).catch(() => null)) !== null;
const upToDate =
  args.includes('--if-changed') &&
  (await readFile(stamp, 'utf8').catch(() => '')) === expected &&
  (await Promise.all(work.map(isBuilt))).every(Boolean);
if (!upToDate) {
  for (const { project, files } of work) await build(project, files);
  if (only.length === 0) {
    await mkdir(dirname(stamp), { recursive: true });
    await writeFile(stamp, expected);
  }
  const count = work.reduce((sum, { files }) => sum + files.length, 0);
  console.log(`built ${count} files in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}
