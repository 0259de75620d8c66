import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointStore } from './checkpoint-store.js';
import { sha256Of } from './file-digest.js';
import { InMemoryObjectStore } from './testing/in-memory-object-store.js';
import { toUlid } from './keys.js';

const README = join(import.meta.dirname, '..', 'README.md');

/** The README's one example, as a function of what it takes for granted. */
async function readExample(): Promise<
  (...given: unknown[]) => Promise<{ valid: boolean; manifest: { step: number } }>
> {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(README, 'utf8')) ?? [];
  const given = [
    'CheckpointStore',
    'InMemoryObjectStore',
    'toUlid',
    'randomBytes',
    'sha256Of',
    'spool',
    'restored',
    'spec',
  ];
  return new Function(...given, `return (async () => { ${example}\nreturn { valid, manifest }; })();`) as never;
}

describe('the README', () => {
  it('has an example that saves, verifies and restores', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ktrdr-readme-'));
    try {
      const [spool, restored] = [join(dir, 'spool'), join(dir, 'restored')];
      await mkdir(spool);
      await writeFile(join(spool, 'model.json'), '{}');
      await writeFile(join(spool, 'weights.safetensors'), 'weights');
      const run = await readExample();
      const { valid, manifest } = await run(
        CheckpointStore,
        InMemoryObjectStore,
        toUlid,
        randomBytes,
        sha256Of,
        spool,
        restored,
        new Uint8Array(),
      );
      expect(valid).toBe(true);
      expect(manifest.step).toBe(1400);
      expect(await readFile(join(restored, 'weights.safetensors'), 'utf8')).toBe('weights');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
