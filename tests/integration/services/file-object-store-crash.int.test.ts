import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { openObjectStore } from '@ktrdr/object-store';

const SUPPORT = join(import.meta.dirname, '..', 'support');
const OBJECT_BYTES = 32 * 1024 * 1024;
const DEADLINE_MS = 30_000;

function startWriter(root: string, name: string): ChildProcess {
  const flags = ['--conditions=@ktrdr/source', '--experimental-transform-types', '--no-warnings'];
  const script = ['--import', join(SUPPORT, 'typescript-source.mjs'), join(SUPPORT, 'object-writer.ts')];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return spawn(process.execPath, [...flags, ...script, root, name, String(OBJECT_BYTES)], { stdio: [...stdio], env });
}

/** Settles while some file of the store is half written. */
async function untilHalfWritten(folder: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline;) {
    for (const name of await readdir(folder).catch(() => [])) {
      const bytes = await stat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      );
      if (bytes > 0 && bytes < OBJECT_BYTES / 2) return;
    }
  }
  throw new Error(`No half-written file was seen in ${folder} within ${DEADLINE_MS} ms`);
}

/** Lets the writer finish an object, kills it in the middle of a later one, and returns the keys it had finished. */
async function killHalfWay(root: string, name: string): Promise<string[]> {
  const writer = startWriter(root, name);
  const exited = once(writer, 'exit');
  const acknowledged: string[] = [];
  const lines = createInterface({ input: writer.stdout! }).on('line', (key) => acknowledged.push(key));
  const ended = once(lines, 'close');
  try {
    await Promise.race([once(lines, 'line'), ended]);
    await untilHalfWritten(join(root, name));
  } finally {
    writer.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  await ended;
  return acknowledged;
}

describe('an object store of files', () => {
  let root: string;
  beforeEach(async () => {
    root = join(await mkdtemp(join(tmpdir(), 'ktrdr-crash-')), 'store');
  });
  afterEach(() => rm(join(root, '..'), { recursive: true, force: true }));

  it('shows no half object and keeps every finished one when its writer is killed half-way', async () => {
    const acknowledged: string[] = [];
    for (const name of ['first', 'second', 'third']) acknowledged.push(...(await killHalfWay(root, name)));

    const store = openObjectStore(pathToFileURL(root).href);
    const stored = new Set<string>();
    for await (const { key } of store.list('')) {
      stored.add(key);
      expect(key.endsWith((await store.hash(key)).sha256)).toBe(true);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(3);
    expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);

    await store.removeAbandonedWrites?.(new Date(Date.now() + 60_000));
    for (const name of ['first', 'second', 'third']) {
      expect((await readdir(join(root, name))).filter((file) => file.startsWith('.'))).toEqual([]);
    }
  });
});
