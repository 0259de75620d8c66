import { z } from 'zod';
import { CheckpointFileError } from './errors.js';
import { epochOrder } from './keyed-random.js';
import { type BatchRun, ledgerOf } from './sample-ledger.js';

const Count = z.int().min(0);

/** Only what is read here; the rest is checked as format 2. */
const StateFormat1 = z.looseObject({
  seed: Count,
  position: z.object({ step: Count, epoch: Count, batch: Count }),
  epoch_so_far: z.object({ loss_sum: z.unknown(), correct: Count, examples: Count, samples_sha256: z.string() }),
  schedule: z.looseObject({ plateau_rate: z.unknown() }),
  history: z.array(z.looseObject({ learning_rate: z.unknown() })),
});
type StateFormat1 = z.infer<typeof StateFormat1>;

/**
 * Format 1 as format 2. It counted batches, and all batches but the last of an epoch had the spec's size; its base rate
 * was the rate of the first epoch, whatever the schedule.
 * @throws {CheckpointFileError} when the document is not of format 1.
 */
export function fromFormat1(document: unknown): unknown {
  const parsed = StateFormat1.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CheckpointFileError('state.json', `${issue?.path.join('.')}: ${issue?.message}`);
  }
  const state = parsed.data;
  const { position, epoch_so_far: sums, schedule, history } = state;
  return {
    ...state,
    format_version: 2,
    position: { step: position.step, epoch: position.epoch, samples: sums.examples },
    epoch_so_far: {
      loss_sum: sums.loss_sum,
      correct: sums.correct,
      batches: batchesOf(state),
      samples_sha256: sums.samples_sha256,
    },
    schedule: { base_rate: history[0]?.learning_rate ?? schedule.plateau_rate, ...schedule },
    history: history.map((record) => ({ ...record, batches: null })),
  };
}

/** At the end of an epoch the last batch can have been smaller; the ledger tells by how much. */
function batchesOf({ seed, position: { epoch, batch }, epoch_so_far: sums }: StateFormat1): BatchRun[] {
  const { examples, samples_sha256 } = sums;
  if (batch === 0) return [];
  const order = epochOrder(seed, epoch, examples);
  for (let size = Math.ceil(examples / batch); (batch - 1) * size < examples; size += 1) {
    const batches = inBatches(examples, size, batch);
    if (ledgerOf(order, batches) === samples_sha256) return batches;
    if (batch === 1) break;
  }
  // In the middle of an epoch all batches were full.
  return [{ size: examples / batch, count: batch }];
}

function inBatches(samples: number, size: number, count: number): BatchRun[] {
  const rest = samples - size * (count - 1);
  if (rest === size) return [{ size, count }];
  return [
    { size, count: count - 1 },
    { size: rest, count: 1 },
  ];
}
