import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import { encodeSafetensors } from '@ktrdr/trainer';
import type { Bench } from '../bench.js';
import { inFolder, POSITION } from '../training-state.js';

const CHECKPOINTS = 20;
const ELEMENTS = 4_000_000;
const FROZEN = 0.8;

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => stat(join(parentPath, name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}

/** A fresh value for each element. */
function randomValues(count: number): Float32Array {
  const bytes = randomBytes(count * 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

/** What twenty checkpoints take on disk when an embedding, four fifths of the one file, never changes. */
export const dedup: Bench = {
  name: 'dedup',
  run: ({ say }) =>
    inFolder(async (folder) => {
      const root = join(folder, 'store');
      const store = new CheckpointStore(openObjectStore(pathToFileURL(root).href));
      const dir = join(folder, 'spool');
      await mkdir(dir);
      const embedding = randomValues(ELEMENTS * FROZEN);
      let logicalBytes = 0;
      for (let seq = 1; seq <= CHECKPOINTS; seq += 1) {
        const head = randomValues(ELEMENTS - embedding.length);
        const layouts = [
          { name: 'head/kernel', dtype: 'F32', shape: [head.length] },
          { name: 'embedding', dtype: 'F32', shape: [embedding.length] },
        ] as const;
        // The header changes its length now and then, as one does that counts something.
        const bytes = encodeSafetensors(layouts, (name) => (name === 'embedding' ? embedding : head), {
          step: String(10 ** (seq % 9)),
        });
        await writeFile(join(dir, 'weights.safetensors'), bytes);
        const draft = { ...POSITION, checkpoint_id: `bench-${seq}`, step: seq, attempt: 1, seq };
        const created_at = new Date().toISOString();
        const uploaded = await store.upload({ ...draft, created_at, dir, files: ['weights.safetensors'] });
        logicalBytes += uploaded.bytes;
      }
      const storedBytes = await bytesBelow(root);
      say(`${CHECKPOINTS} checkpoints, ${storedBytes} of ${logicalBytes} bytes stored`);
      return [
        {
          figure: 'stored bytes, 80 % frozen',
          value: storedBytes,
          unit: 'B',
          reference: { name: 'logical bytes', value: logicalBytes },
          bar: { of: 'ratio', is: '<=', limit: 0.3 },
        },
      ];
    }),
};
