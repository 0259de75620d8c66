import { writeCheckpointFiles } from '@ktrdr/trainer';
import { givenRun } from './training-state.js';

/**
 * The trainer's part of a save, in a process of its own as it is in production: `fork(trainer-part.js, [STATE_BYTES])`.
 * Ends when the channel closes.
 */
export type TrainerOrder = Readonly<{ type: 'step' } | { type: 'save'; dir: string }>;

export type TrainerAnswer = Readonly<
  | { type: 'ready' }
  | { type: 'saving'; dir: string; files: readonly Readonly<{ name: string; bytes: number }>[] }
  | { type: 'saved'; files: readonly string[] }
>;

const tell = (answer: TrainerAnswer): void => void process.send?.(answer);

async function main(): Promise<void> {
  const { run } = await givenRun(Number(process.argv[2]));
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: TrainerOrder) => void obey(order));
  tell({ type: 'ready' });

  async function obey(order: TrainerOrder): Promise<void> {
    if (order.type === 'step') {
      run.step();
      return tell({ type: 'ready' });
    }
    const { files } = run.capture();
    await writeCheckpointFiles(order.dir, files, { onWriting: (writing) => tell({ type: 'saving', ...writing }) });
    tell({ type: 'saved', files: files.map(({ name }) => name) });
  }
}

await main();
