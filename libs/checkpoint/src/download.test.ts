import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadFiles } from './download.js';
import { MAX_PART_BYTES } from './file-parts.js';
import { blobKey } from './keys.js';
import { InMemoryObjectStore } from './testing/in-memory-object-store.js';

describe('files in one large blob, as checkpoints were stored before files had parts', () => {
  const bytes = MAX_PART_BYTES + 1;
  const sha256 = 'a'.repeat(64);
  const file = { name: 'weights.safetensors', bytes, sha256, blob: blobKey(sha256) };

  it.each([
    [sha256, 1],
    ['b'.repeat(64), 0],
  ])('have moved when they are in their place and right (%s: %i)', async (found, expected) => {
    const dir = await mkdtemp(join(tmpdir(), 'ktrdr-download-'));
    const objects = new InMemoryObjectStore();
    objects.getToFile = () => Promise.resolve({ bytes, sha256: found });
    let moved = 0;
    const [finding] = await downloadFiles(objects, [file], dir, () => (moved += 1));
    expect(finding?.problem === null).toBe(expected === 1);
    expect(moved).toBe(expected);
    await rm(dir, { recursive: true });
  });
});
