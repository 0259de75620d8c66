import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openObjectStore } from './open-object-store.js';

const README = join(import.meta.dirname, '..', 'README.md');

describe('the README', () => {
  it('has an example that stores and reads back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ktrdr-readme-'));
    try {
      const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
      const body = `return (async () => { ${example}\nreturn { bytes, sha256, copied }; })();`;
      const run = new Function('openObjectStore', 'directory', body) as (...given: unknown[]) => Promise<{
        bytes: number;
        sha256: string;
        copied: unknown;
      }>;
      const { bytes, sha256, copied } = await run(openObjectStore, join(dir, 'store'));
      expect(bytes).toBe(5);
      expect(copied).toEqual({ bytes, sha256 });
      expect(await readFile(join(dir, 'store-copy'), 'utf8')).toBe('hello');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
