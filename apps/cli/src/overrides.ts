import { applyOverrides, type OperationView, type ResumeBody, ResumeOverrides, TrainingSpec } from '@ktrdr/contracts';
import { Flags } from '@oclif/core';
import { numberOf } from './numbers.js';

type Overrides = NonNullable<ResumeBody['overrides']>;

const helpGroup = 'OVERRIDE';

const numeric = (description: string) => Flags.string({ description, helpGroup, helpValue: 'N' });

/** What a resume may change of the specification. The ranges are the API's business. */
export const OVERRIDE_FLAGS = {
  epochs: numeric('train this many epochs in all'),
  'learning-rate': numeric('go on with this learning rate'),
  'batch-size': numeric('go on with batches of this size'),
  'early-stopping-patience': numeric('stop after this many epochs without improvement'),
  'no-early-stopping': Flags.boolean({
    description: 'train all epochs',
    helpGroup,
    exclusive: ['early-stopping-patience'],
  }),
  'checkpoint-every-epochs': numeric('save every so many epochs, in place of the present rhythm'),
  'checkpoint-every-seconds': numeric('save every so many seconds, in place of the present rhythm'),
};

export type OverrideFlags = {
  readonly [Flag in keyof typeof OVERRIDE_FLAGS]?: string | boolean | undefined;
};

export const OVERRIDE_FLAG_NAMES = Object.keys(OVERRIDE_FLAGS) as (keyof typeof OVERRIDE_FLAGS)[];

/**
 * The flags as the API takes them. Of early stopping and the checkpoint policy only a part can be said here; the rest
 * stays as it is in the operation, which is read for that.
 * @throws {UsageError} for what is no number
 */
export async function toOverrides(flags: OverrideFlags, read: () => Promise<OperationView>): Promise<Overrides> {
  const number = (name: keyof OverrideFlags) => {
    const text = flags[name];
    return typeof text === 'string' ? numberOf(name, text) : undefined;
  };
  const patience = number('early-stopping-patience');
  const everyEpochs = number('checkpoint-every-epochs');
  const everySeconds = number('checkpoint-every-seconds');
  const isPartial = [patience, everyEpochs, everySeconds].some((value) => value !== undefined);
  const present = isPartial ? presentOf(await read()) : {};
  const wanted: Record<string, unknown> = {
    epochs: number('epochs'),
    learning_rate: number('learning-rate'),
    batch_size: number('batch-size'),
    early_stopping: earlyStopping(patience, flags['no-early-stopping'] === true, present.earlyStopping),
    checkpoint: checkpointPolicy(everyEpochs, everySeconds, present.checkpoint),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** The same flags, to be typed again. */
export function overrideArguments(flags: OverrideFlags): string {
  return OVERRIDE_FLAG_NAMES.map((name) => {
    const value = flags[name];
    if (value === undefined || value === false) return '';
    return value === true ? ` --${name}` : ` --${name} ${value}`;
  }).join('');
}

type Part = Readonly<Record<string, unknown>>;

function earlyStopping(patience: number | undefined, isOff: boolean, present: Part | undefined): unknown {
  if (isOff) return null;
  return patience === undefined ? undefined : { ...present, patience };
}

/** The rhythm is replaced as a whole: every other trigger would go on saving. */
function checkpointPolicy(epochs: number | undefined, seconds: number | undefined, present: Part = {}): unknown {
  if (epochs === undefined && seconds === undefined) return undefined;
  const { keep_last } = present;
  return {
    ...(keep_last === undefined ? {} : { keep_last }),
    ...(epochs === undefined ? {} : { every_epochs: epochs }),
    ...(seconds === undefined ? {} : { every_seconds: seconds }),
  };
}

/** What is in force: the specification with what earlier resumes changed of it. */
function presentOf({ spec, overrides }: OperationView): { checkpoint?: Part; earlyStopping?: Part } {
  const submitted = TrainingSpec.safeParse(spec);
  const changed = ResumeOverrides.safeParse(overrides ?? {});
  if (!submitted.success || !changed.success) return {};
  const { checkpoint, early_stopping } = applyOverrides(submitted.data, changed.data).spec;
  return { checkpoint, ...(early_stopping ? { earlyStopping: early_stopping } : {}) };
}
