// Generates the Prisma client from prisma/schema.prisma, unless the last one was made from the same schema.
// Plain JavaScript: the build needs it before anything is compiled.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const client = join(root, 'libs', 'operations-prisma', 'src', 'generated', 'prisma', 'client.ts');
const stamp = join(root, '.cache', 'prisma-client.sha256');

/** Everything that the generated client depends on. */
async function fingerprint() {
  const hash = createHash('sha256');
  for (const path of ['prisma/schema.prisma', 'node_modules/prisma/package.json']) {
    hash.update(await readFile(join(root, path)));
  }
  return hash.digest('hex');
}

async function isFresh(expected) {
  const [seen, made] = await Promise.all([readFile(stamp, 'utf8').catch(() => ''), stat(client).catch(() => null)]);
  return seen === expected && made !== null;
}

/** `prisma generate` does its work in WASM, but insists on finding a schema engine: any executable will do. */
function prismaGenerate() {
  const child = spawn(process.execPath, [join(root, 'node_modules', 'prisma', 'build', 'index.js'), 'generate'], {
    cwd: root,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CI: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`prisma generate failed:\n${Buffer.concat(output).toString()}`)),
    );
  });
}

/** Resolves to true when the client was made anew. */
export async function generateClient({ force = false } = {}) {
  const expected = await fingerprint();
  if (!force && (await isFresh(expected))) return false;
  const startedAt = Date.now();
  await prismaGenerate();
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, expected);
  console.log(`generated the Prisma client in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return true;
}

if (process.argv[1] === import.meta.filename) await generateClient({ force: true });
