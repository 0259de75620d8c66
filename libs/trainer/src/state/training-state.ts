import { toMetricValue } from '@ktrdr/contracts';
import { BACKENDS } from '@ktrdr/specs';
import { z } from 'zod';
import { CheckpointFileError, CheckpointIncompatibleError } from '../errors.js';

/** Who wrote a checkpoint. The version is this package's. */
export const TRAINER = { name: 'ktrdr-tensorflow', version: '0.1.0' } as const;

export const STATE_FORMAT_VERSION = 1;
const STATE_FILE = 'state.json';

/** JSON has no NaN and no infinities: they travel as their names. */
const Figure = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);
const Count = z.int().min(0);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Patience = z.object({ best: Figure, epochs_without: Count });
const Batches = z.array(z.object({ size: z.int().min(1), count: z.int().min(1) }));

const EpochRecord = z.object({
  /** Epochs completed with this one, so the first is 1. */
  epoch: Count,
  step: Count,
  loss: Figure,
  accuracy: Figure,
  val_loss: Figure.nullable(),
  val_accuracy: Figure.nullable(),
  learning_rate: Figure,
  /** Which samples the epoch consumed, in which order. */
  samples_sha256: Sha256,
  /** Their batch sizes, which the ledger depends on. */
  batches: Batches,
});

const Best = z.object({ epoch: Count, step: Count, metric: z.enum(['val_loss', 'loss']), value: Figure });

/** Everything of a training run that is not a tensor. With the tensors it is the whole run. */
const TrainingState = z.object({
  format_version: z.literal(STATE_FORMAT_VERSION),
  trainer: z.object({ name: z.string(), version: z.string() }),
  backend: z.object({ name: z.enum(BACKENDS), version: z.string() }),
  node: z.string(),
  spec_sha256: z.string(),
  data_fingerprint: z.string(),
  /** All randomness is keyed by the seed and the position, so this is the state of every random sequence. */
  seed: Count,
  /**
   * Optimizer updates so far, epochs completed, samples of the current epoch consumed. Samples, because the batch size can
   * change within an epoch.
   */
  position: z.object({ step: Count, epoch: Count, samples: Count }),
  epoch_so_far: z.object({ loss_sum: Figure, correct: Count, batches: Batches, samples_sha256: Sha256 }),
  /** The base rate is that of the spec which the plateau's rate came down from. */
  schedule: z.object({ base_rate: Figure, plateau_rate: Figure, plateau: Patience }),
  early_stopping: Patience,
  stopped_early: z.boolean(),
  best: Best.nullable(),
  history: z.array(EpochRecord),
});

export type TrainingState = z.infer<typeof TrainingState>;
export type EpochRecord = z.infer<typeof EpochRecord>;
export type Best = z.infer<typeof Best>;

export function encodeState(state: TrainingState): Uint8Array {
  const text = JSON.stringify(state, (_, value: unknown) => (typeof value === 'number' ? toMetricValue(value) : value));
  return Buffer.from(`${text}\n`);
}

/**
 * @throws {CheckpointIncompatibleError} for a format version that this trainer does not read.
 * @throws {CheckpointFileError} when the bytes are no training state.
 */
export function decodeState(bytes: Uint8Array): TrainingState {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new CheckpointFileError(STATE_FILE, 'it is not JSON', { cause });
  }
  const version = (document as { format_version?: unknown } | null)?.format_version;
  if (version !== STATE_FORMAT_VERSION) {
    const advice = 'resume with the ktrdr that wrote it';
    throw new CheckpointIncompatibleError('format version', version, STATE_FORMAT_VERSION, advice);
  }
  const parsed = TrainingState.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CheckpointFileError(STATE_FILE, `${issue?.path.join('.')}: ${issue?.message}`);
  }
  return parsed.data;
}
