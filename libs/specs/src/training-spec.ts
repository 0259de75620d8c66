import { z } from 'zod';

/**
 * What to train, as one document. Stored immutably with its hash; published as JSON Schema.
 * Everything that changes the numbers is in here, the seed included.
 */

const Period = z.int().min(1).max(500);
const Fraction = z.number().min(0).max(1);

/** A built-in set (`dataset:sp500`), a file (`file:///…` or a path), or an object (`s3://bucket/key`). */
const DataSourceUri = z
  .string()
  .min(1)
  .max(1024)
  .describe('dataset:sp500, a path or file:// URL of a CSV file, or s3://bucket/key')
  .refine((uri) => !uri.includes('\0'), 'must not contain NUL')
  .refine(
    (uri) => !uri.startsWith('dataset:') || uri === 'dataset:sp500',
    'unknown built-in dataset; the only one is dataset:sp500',
  );

const DataSpec = z
  .strictObject({
    source: DataSourceUri,
    date_column: z.string().min(1).default('date'),
    price_column: z.string().min(1).default('price'),
  })
  .describe('Daily prices: a CSV file with a header, a date column (ascending) and a price column (positive)');

export const FeatureSpec = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('return'), period: Period.default(1) }),
    z.strictObject({ kind: z.literal('volatility'), period: Period.min(2).default(20) }),
    z.strictObject({ kind: z.literal('sma-ratio'), period: Period.default(20) }),
    z.strictObject({ kind: z.literal('ema-ratio'), period: Period.default(20) }),
    z.strictObject({ kind: z.literal('rsi'), period: Period.min(2).default(14) }),
    z.strictObject({
      kind: z.literal('macd'),
      fast: Period.default(12),
      slow: Period.default(26),
      signal: Period.default(9),
    }),
    z.strictObject({
      kind: z.literal('bollinger'),
      period: Period.min(2).default(20),
      deviations: z.number().positive().default(2),
    }),
    z.strictObject({ kind: z.literal('momentum'), period: Period.default(10) }),
  ])
  .describe('One technical indicator over the prices up to and including that day');

export const LabelSpec = z
  .strictObject({
    kind: z.literal('direction').default('direction'),
    horizon: z.int().min(1).max(250).default(1).describe('trading days ahead'),
    threshold: z.number().min(0).max(1).default(0).describe('forward return above which the label is up'),
  })
  .describe('1 where the forward return over the horizon exceeds the threshold, else 0');

export const SplitSpec = z
  .strictObject({
    train: Fraction.default(0.7),
    validation: Fraction.default(0.15),
    test: Fraction.default(0.15),
  })
  .refine(({ train, validation, test }) => Math.abs(train + validation + test - 1) < 1e-9, 'parts must add up to 1')
  .refine(({ train }) => train > 0, { message: 'must be above 0', path: ['train'] });

const Activation = z.enum(['linear', 'relu', 'tanh', 'sigmoid', 'elu', 'selu', 'softplus']);
const Units = z.int().min(1).max(4096);

export const LayerSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('dense'),
    units: Units,
    activation: Activation.default('relu'),
    l2: z.number().min(0).max(10).default(0),
  }),
  z.strictObject({ kind: z.literal('dropout'), rate: z.number().min(0).lt(1) }),
  z.strictObject({
    kind: z.literal('batch-norm'),
    momentum: z.number().min(0).max(1).default(0.99),
    epsilon: z.number().positive().default(1e-3),
  }),
  z.strictObject({ kind: z.literal('lstm'), units: Units, return_sequences: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('flatten') }),
]);

const ModelSpec = z
  .strictObject({ layers: z.array(LayerSpec).min(1).max(64) })
  .describe('Hidden layers, first to last; the output layer (one sigmoid unit) is added');

export const OptimizerSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sgd'), learning_rate: z.number().positive().max(100).default(0.01) }),
  z.strictObject({
    kind: z.literal('momentum'),
    learning_rate: z.number().positive().max(100).default(0.01),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('rmsprop'),
    learning_rate: z.number().positive().max(100).default(0.001),
    decay: z.number().min(0).lt(1).default(0.9),
    epsilon: z.number().positive().default(1e-7),
  }),
  z.strictObject({
    kind: z.literal('adam'),
    learning_rate: z.number().positive().max(100).default(0.001),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    epsilon: z.number().positive().default(1e-7),
  }),
]);

export const ScheduleSpec = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant') }),
    z.strictObject({
      kind: z.literal('step'),
      every_epochs: z.int().min(1),
      factor: z.number().positive().lt(1).default(0.5),
    }),
    z.strictObject({ kind: z.literal('cosine'), min_learning_rate: z.number().min(0).default(0) }),
    z.strictObject({
      kind: z.literal('plateau'),
      patience: z.int().min(1).default(3),
      factor: z.number().positive().lt(1).default(0.5),
      min_learning_rate: z.number().min(0).default(0),
      min_delta: z.number().min(0).default(0),
    }),
  ])
  .describe('Learning rate over the epochs; plateau watches the validation loss');

export const EarlyStoppingSpec = z.strictObject({
  patience: z.int().min(1).max(10_000).describe('epochs without improvement of the validation loss'),
  min_delta: z.number().min(0).default(0),
});

/** Which checkpoints an operation keeps of its own accord. */
export const RetentionSpec = z.object({ keep_last: z.int().min(1).max(1000).default(3) });

export const CheckpointPolicySpec = z
  .strictObject({
    every_epochs: z.int().min(1).optional(),
    every_steps: z.int().min(1).optional(),
    every_seconds: z.number().min(0.1).optional().describe('measured from the start of the attempt'),
    overhead_budget: z
      .number()
      .min(0.001)
      .max(0.5)
      .optional()
      .describe('in place of a fixed interval: save as often as this fraction of the time allows'),
    max_loss_seconds: z
      .number()
      .min(1)
      .max(86_400)
      .optional()
      .describe('with overhead_budget: never leave more than this unsaved, even if that breaks the budget'),
    ...RetentionSpec.shape,
  })
  .superRefine((policy, context) => {
    const { overhead_budget: budget, max_loss_seconds: limit } = policy;
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (budget === undefined && limit === undefined) return;
    if (budget === undefined) issue('overhead_budget', 'is missing: max_loss_seconds bounds an interval by budget');
    if (limit === undefined)
      issue('max_loss_seconds', 'is missing: overhead_budget needs a bound for what may be lost');
    for (const fixed of ['every_epochs', 'every_steps', 'every_seconds'] as const)
      if (policy[fixed] !== undefined)
        issue(fixed, 'is a fixed interval; leave it out, or leave out overhead_budget and max_loss_seconds');
  })
  .describe('When to save beside pause, cancel, shutdown and completion, which always save');

export const BACKENDS = ['tfjs-node-gpu', 'tfjs-node', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

export const TrainingSpec = z
  .strictObject({
    version: z.literal(1),
    data: DataSpec,
    features: z.array(FeatureSpec).min(1).max(64),
    label: LabelSpec.prefault({}),
    window: z.int().min(1).max(512).default(1).describe('trading days that one sample looks back over'),
    split: SplitSpec.prefault({}),
    normalization: z.enum(['standard', 'minmax', 'none']).default('standard'),
    model: ModelSpec,
    optimizer: OptimizerSpec.default({
      kind: 'adam',
      learning_rate: 0.001,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-7,
    }),
    schedule: ScheduleSpec.default({ kind: 'constant' }),
    epochs: z.int().min(1).max(1_000_000),
    batch_size: z.int().min(1).max(65_536).default(32),
    early_stopping: EarlyStoppingSpec.nullable().default(null),
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    backend: z.enum(['auto', ...BACKENDS]).default('auto'),
    strict: z
      .boolean()
      .optional()
      .describe('go on only with the very versions of trainer and backend that saved the checkpoint, else fail'),
    checkpoint: CheckpointPolicySpec.prefault({ every_epochs: 1 }),
  })
  .superRefine(({ model: { layers }, split, early_stopping, schedule }, context) => {
    const issue = (path: (string | number)[], message: string) => {
      context.addIssue({ code: 'custom', path, message });
    };
    let isSequence = true; // samples enter as [window, features]
    layers.forEach((layer, index) => {
      const path = ['model', 'layers', index, 'kind'];
      if (layer.kind === 'lstm' && !isSequence)
        issue(path, 'lstm needs a sequence, but an earlier layer has already reduced it to a vector');
      if (layer.kind === 'flatten' || layer.kind === 'dense') isSequence = false;
      if (layer.kind === 'lstm') isSequence = layer.return_sequences;
    });
    if (split.validation === 0 && early_stopping)
      issue(['early_stopping'], 'needs a validation part (split.validation is 0)');
    if (split.validation === 0 && schedule.kind === 'plateau')
      issue(['schedule'], 'plateau needs a validation part (split.validation is 0)');
  });

/** The document after defaults. */
export type TrainingSpec = z.infer<typeof TrainingSpec>;
export type FeatureSpec = z.infer<typeof FeatureSpec>;
export type LayerSpec = z.infer<typeof LayerSpec>;
export type LabelSpec = z.infer<typeof LabelSpec>;
export type SplitSpec = z.infer<typeof SplitSpec>;
export type OptimizerSpec = z.infer<typeof OptimizerSpec>;
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;
export type EarlyStoppingSpec = z.infer<typeof EarlyStoppingSpec>;
export type CheckpointPolicySpec = z.infer<typeof CheckpointPolicySpec>;
