import { type ChildProcess, fork } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CheckpointStore, type EarlyBlobs } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import type { Bench } from '../bench.js';
import { beside, timed } from '../beside.js';
import type { TrainerAnswer, TrainerOrder } from '../trainer-part.js';
import { givenRun, inFolder, MEGABYTE, POSITION } from '../training-state.js';

const STATE_BYTES = 128 * MEGABYTE;
const TRAINER = join(import.meta.dirname, '..', 'trainer-part.js');

/** The trainer in its own process; `ended` rejects when it is gone. */
class TrainerPart {
  private readonly child: ChildProcess = fork(TRAINER, [String(STATE_BYTES)]);
  private readonly ended: Promise<never>;

  constructor() {
    this.ended = once(this.child, 'exit').then(([code]) => {
      throw new Error(`The trainer's part ended with exit code ${code}`);
    });
    this.ended.catch(() => undefined); // raced against each answer
  }

  order(order: TrainerOrder): void {
    this.child.send(order);
  }

  /** The next answer of this type. */
  answer<T extends TrainerAnswer['type']>(type: T): Promise<Extract<TrainerAnswer, { type: T }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<TrainerAnswer, { type: T }>>();
    const listen = (answer: TrainerAnswer): void => {
      if (answer.type !== type) return;
      this.child.off('message', listen);
      resolve(answer as Extract<TrainerAnswer, { type: T }>);
    };
    this.child.on('message', listen);
    return Promise.race([promise, this.ended]);
  }

  async close(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.ended.catch(() => undefined);
  }
}

/** What a supervisor does with a save that it is told of. */
async function follow(trainer: TrainerPart, store: CheckpointStore, { dir, seq }: { dir: string; seq: number }) {
  let isWritten = false;
  const saving = trainer.answer('saving');
  const saved = trainer.answer('saved');
  trainer.order({ type: 'save', dir });
  const at = new Date();
  const place = { operation_id: POSITION.operation_id, attempt: 1 };
  const writing = { isWritten: () => isWritten, signal: new AbortController().signal };
  const storing: Promise<EarlyBlobs> = saving.then((told) =>
    store.startEarly({ ...place, ...writing, dir: told.dir, files: told.files, at }),
  );
  storing.catch(() => undefined); // awaited when the files are whole
  const { files } = await saved;
  isWritten = true;
  const early = await storing;
  await store.upload({ ...POSITION, attempt: 1, seq, created_at: at.toISOString(), dir, files, early });
  return { files: files.length, filesEarly: early.files.length };
}

/** From the request to a checkpoint whose every byte is on disk, against hashing, writing and syncing the same bytes. */
export const saveDurable: Bench = {
  name: 'save-durable',
  run: ({ say }) =>
    inFolder(async (folder) => {
      const { run } = await givenRun(STATE_BYTES);
      const store = new CheckpointStore(openObjectStore(pathToFileURL(join(folder, 'store')).href));
      const trainer = new TrainerPart();
      await trainer.answer('ready');
      let seq = 0;
      let bares = 0;
      let notEarly = 0;
      const save = async (): Promise<number> => {
        seq += 1;
        const stepped = trainer.answer('ready');
        trainer.order({ type: 'step' }); // other bytes each time
        await stepped;
        const dir = join(folder, `save-${seq}`);
        const ms = await timed(async () => {
          const { files, filesEarly } = await follow(trainer, store, { dir, seq });
          notEarly += files - filesEarly;
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
      try {
        const measured = await beside({ own: save, reference: bare });
        say(`${seq} checkpoints of ${STATE_BYTES / MEGABYTE} MB; ${notEarly} of their files were not stored early`);
        return [
          {
            figure: '128 MB, request to durable',
            value: measured.own,
            unit: 'ms',
            reference: { name: 'SHA-256, write, fsync', value: measured.reference },
            bar: { of: 'ratio', is: '<=', limit: 1.5 },
          },
        ];
      } finally {
        run.dispose();
        await trainer.close();
      }
    }),
};
