import { join } from 'node:path';

/** For a worker's `KTRDR_TRAINER_COMMAND`: its own trainer, of which no step takes less than `paceMs`. */
export function pacedTrainer(paceMs: number): string {
  return JSON.stringify([process.execPath, join(import.meta.dirname, 'fixtures/paced-trainer.mjs'), String(paceMs)]);
}
