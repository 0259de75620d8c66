import { hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointStore } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import { writeCheckpointFiles } from '@ktrdr/trainer';
import { pathToFileURL } from 'node:url';
import type { Bench } from '../bench.js';
import { beside, timed } from '../beside.js';
import { givenRun, inFolder, MEGABYTE, POSITION } from '../training-state.js';

const STATE_BYTES = 128 * MEGABYTE;

/** From the request to a checkpoint whose every byte is on disk, against hashing, writing and syncing the same bytes. */
export const saveDurable: Bench = {
  name: 'save-durable',
  run: ({ say }) =>
    inFolder(async (folder) => {
      const { run } = await givenRun(STATE_BYTES);
      const store = new CheckpointStore(openObjectStore(pathToFileURL(join(folder, 'store')).href));
      let seq = 0;
      let bares = 0;
      const save = async (): Promise<number> => {
        seq += 1;
        run.step(); // other bytes each time
        const dir = join(folder, `save-${seq}`);
        const ms = await timed(async () => {
          const { files } = run.capture();
          await writeCheckpointFiles(dir, files);
          const names = files.map(({ name }) => name);
          const position = { ...POSITION, attempt: 1, seq, created_at: new Date().toISOString() };
          await store.upload({ ...position, dir, files: names });
        });
        await rm(dir, { recursive: true });
        return ms;
      };
      const bare = async (): Promise<number> => {
        const bytes = Buffer.concat(run.capture().files.flatMap(({ chunks }) => chunks()));
        bares += 1;
        const path = join(folder, `bare-${bares}`);
        // Kept, as a store keeps what it is given: a file in the place of one that was just removed is written faster.
        return timed(async () => {
          hash('sha256', bytes);
          const file = await open(path, 'wx');
          for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
          await file.sync();
          await file.close();
        });
      };
      const measured = await beside({ own: save, reference: bare });
      run.dispose();
      say(`${seq} checkpoints of ${STATE_BYTES / MEGABYTE} MB`);
      return [
        {
          figure: '128 MB, request to durable',
          value: measured.own,
          unit: 'ms',
          reference: { name: 'SHA-256, write, fsync', value: measured.reference },
          bar: { of: 'ratio', is: '<=', limit: 1.5 },
        },
      ];
    }),
};
