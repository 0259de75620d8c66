import { createHash } from 'node:crypto';
import type { Xoshiro128 } from '../keyed-random.js';
import { type RestoredState, type RunSetup, TrainingRun } from '../training-run.js';
import { toRestored } from './captured-bytes.js';

/** Steps until `stop` says so or the run is finished. */
export async function advance(run: TrainingRun, stop: () => boolean = () => false): Promise<void> {
  while (!run.isFinished && !stop()) {
    if (run.isEpochDue) await run.closeEpoch(() => true);
    else run.step();
  }
}

/** The final files and the result of a run that nobody interrupts. */
export async function uninterrupted(setup: RunSetup, from: RestoredState | null = null) {
  const run = new TrainingRun(setup, from);
  try {
    await advance(run);
    return await outcome(run);
  } finally {
    run.dispose();
  }
}

/** The same, with the run captured, disposed of and restored in a fresh instance at random places, `most` times at most. */
export async function interrupted(
  setup: RunSetup,
  random: Xoshiro128,
  {
    mean = 3,
    most = Infinity,
    from = null,
  }: { readonly mean?: number; readonly most?: number; readonly from?: RestoredState | null } = {},
) {
  let run = new TrainingRun(setup, from);
  let interruptions = 0;
  try {
    while (!run.isFinished) {
      await advance(run, () => interruptions < most && random.nextBelow(mean) === 0);
      if (interruptions >= most) break;
      const restored = toRestored(run.capture());
      run.dispose();
      run = new TrainingRun(setup, restored);
      interruptions += 1;
    }
    return { interruptions, ...(await outcome(run)) };
  } finally {
    run.dispose();
  }
}

async function outcome(run: TrainingRun) {
  const digests = run.capture().files.map(({ name, chunks }) => {
    return [name, createHash('sha256').update(Buffer.concat(chunks())).digest('hex')] as const;
  });
  return { result: await run.result(), digests: Object.fromEntries(digests) };
}
