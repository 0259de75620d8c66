import { hash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import { readRestorePoint, TrainingRun, writeCheckpointFiles } from '@ktrdr/trainer';
import type { Bench } from '../bench.js';
import { beside, timed } from '../beside.js';
import { givenRun, inFolder, MEGABYTE, POSITION } from '../training-state.js';

const STATE_BYTES = 128 * MEGABYTE;

/** From a committed checkpoint to its tensors in place, every byte verified, against reading and hashing its bytes. */
export const restore: Bench = {
  name: 'restore',
  run: () =>
    inFolder(async (folder) => {
      const { run, setup } = await givenRun(STATE_BYTES);
      const store = new CheckpointStore(openObjectStore(pathToFileURL(join(folder, 'store')).href));
      const dir = join(folder, 'saved');
      const { files } = run.capture();
      run.dispose();
      await writeCheckpointFiles(dir, files);
      const names = files.map(({ name }) => name);
      const position = { ...POSITION, attempt: 1, seq: 1, created_at: new Date().toISOString() };
      const { manifestKey, manifestSha256 } = await store.upload({ ...position, dir, files: names });
      const into = join(folder, 'restored');
      const resume = async (): Promise<number> => {
        let restored: TrainingRun | undefined;
        const ms = await timed(async () => {
          await store.restore({ manifestKey, manifestSha256, into });
          restored = new TrainingRun(setup, await readRestorePoint(into));
        });
        restored?.dispose();
        await rm(into, { recursive: true });
        return ms;
      };
      const bare = (): Promise<number> =>
        timed(async () => {
          for (const name of names) hash('sha256', await readFile(join(dir, name)));
        });
      const measured = await beside({ own: resume, reference: bare });
      return [
        {
          figure: '128 MB, stored to tensors in place',
          value: measured.own,
          unit: 'ms',
          reference: { name: 'read, SHA-256', value: measured.reference },
          bar: { of: 'ratio', is: '<=', limit: 1.5 },
        },
      ];
    }),
};
