// Copies what one app needs at run time, its compiled code and that of its libraries, into an empty folder.
// `node tools/build/lay-out-app.mjs api FOLDER`; `npm ci --omit=dev --omit=optional -w @ktrdr/api` there adds the packages.
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const ROOMS = ['apps', 'libs'];

/** Files of an app beside its compiled code. */
const BESIDE = { cli: ['apps/cli/bin'], migrate: ['prisma/migrations'] };

async function readManifests() {
  const folders = await Promise.all(
    ROOMS.map(async (room) => (await readdir(join(root, room))).map((name) => `${room}/${name}`)),
  );
  return Promise.all(
    folders.flat().map(async (folder) => ({
      folder,
      manifest: JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')),
    })),
  );
}

/** The folders of a workspace and of every workspace that it needs. */
function closure(name, manifests, found = new Set()) {
  const project = manifests.find(({ manifest }) => manifest.name === name);
  if (!project || found.has(project.folder)) return found;
  found.add(project.folder);
  for (const needed of Object.keys(project.manifest.dependencies ?? {})) closure(needed, manifests, found);
  return found;
}

async function copy(path, target, options = {}) {
  await mkdir(dirname(join(target, path)), { recursive: true });
  await cp(join(root, path), join(target, path), { recursive: true, ...options });
}

const [app, target] = process.argv.slice(2);
const manifests = await readManifests();
const folders = closure(`@ktrdr/${app}`, manifests);
if (!target || folders.size === 0) {
  console.error('Say which app and where to: node tools/build/lay-out-app.mjs api FOLDER');
  process.exit(2);
}
// npm compares the lock file with the manifest of every workspace, needed or not.
for (const path of ['package.json', 'package-lock.json', '.npmrc']) await copy(path, target);
for (const { folder } of manifests) await copy(`${folder}/package.json`, target);
const isShipped = (path) => !path.endsWith('.map') && !path.includes('/dist/testing');
for (const folder of folders) await copy(`${folder}/dist`, target, { filter: isShipped });
for (const path of BESIDE[app] ?? []) await copy(path, target);
