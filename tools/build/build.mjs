// Compiles every project's TypeScript into its dist/, in one process. Types are checked elsewhere (`npm run typecheck`).
import { transformFile } from '@swc/core';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const only = process.argv.slice(2);
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

async function projects() {
  const found = [];
  for (const room of ['libs', 'apps']) {
    for (const name of await readdir(join(root, room))) found.push(join(root, room, name));
  }
  return only.length > 0 ? found.filter((path) => only.includes(relative(root, path))) : found;
}

async function sources(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(?<!\.d|\.test)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

const startedAt = Date.now();
let files = 0;
for (const project of await projects()) {
  const from = join(project, 'src');
  if (!(await stat(from).catch(() => null))) continue;
  await rm(join(project, 'dist'), { recursive: true, force: true });
  await Promise.all(
    (await sources(from)).map(async (source) => {
      const target = join(project, 'dist', relative(from, source).replace(/\.ts$/, '.js'));
      const { code, map } = await transformFile(source, options);
      await mkdir(dirname(target), { recursive: true });
      const mapName = `${target.split('/').at(-1)}.map`;
      await writeFile(target, `${code}\n//# sourceMappingURL=${mapName}\n`);
      if (map) await writeFile(`${target}.map`, map);
      files += 1;
    }),
  );
}
console.log(`built ${files} files in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
