import { type OperationView, type ResumeBody } from '@ktrdr/contracts';
import { applyOverrides, ResumeOverrides, TrainingSpec } from '@ktrdr/specs';
import { Flags } from '@oclif/core';
import type { Choices } from '../render/words/suggestions.js';
import { given, parseNumber, watchFlag } from './flag-values.js';

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
  'overhead-budget': numeric('save as often as this fraction of the time allows; needs --max-loss-seconds'),
  'max-loss-seconds': numeric('with --overhead-budget: never leave more than this unsaved'),
  backend: Flags.string({
    description: 'go on with this backend; another than before needs --allow-backend-change',
    helpGroup,
    helpValue: 'NAME',
  }),
};

/** Where a resume or a fork goes on, and what it accepts. */
export const CONTINUATION_FLAGS = {
  checkpoint: Flags.string({ description: 'latest, best, step:N, or a checkpoint id', default: 'latest' }),
  step: Flags.integer({
    description: 'the newest sound checkpoint of exactly this step, as --checkpoint step:N',
    helpValue: 'N',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    exclusive: ['checkpoint'],
  }),
  'allow-fallback': Flags.boolean({
    description: 'take the newest older valid checkpoint if the chosen one is corrupted',
  }),
  'allow-backend-change': Flags.boolean({
    description: 'accept another backend than before, whose numbers are close but not equal',
  }),
  'dry-run': Flags.boolean({ description: 'only say what would happen', exclusive: ['watch'] }),
  watch: watchFlag,
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
    return typeof text === 'string' ? parseNumber(name, text) : undefined;
  };
  const patience = number('early-stopping-patience');
  const rhythm = {
    every_epochs: number('checkpoint-every-epochs'),
    every_seconds: number('checkpoint-every-seconds'),
    overhead_budget: number('overhead-budget'),
    max_loss_seconds: number('max-loss-seconds'),
  };
  const isPartial = [patience, ...Object.values(rhythm)].some((value) => value !== undefined);
  const present = isPartial ? presentOf(await read()) : {};
  return given({
    epochs: number('epochs'),
    learning_rate: number('learning-rate'),
    batch_size: number('batch-size'),
    early_stopping: earlyStopping(patience, flags['no-early-stopping'] === true, present.earlyStopping),
    checkpoint: checkpointPolicy(rhythm, present.checkpoint),
    backend: flags.backend,
  }) as Overrides; // the API checks them
}

/** The same flags, to be typed again. */
function overrideArguments(flags: OverrideFlags): string {
  return OVERRIDE_FLAG_NAMES.map((name) => {
    const value = flags[name];
    if (value === undefined || value === false) return '';
    return value === true ? ` --${name}` : ` --${name} ${value}`;
  }).join('');
}

interface CheckpointFlags {
  readonly checkpoint: string;
  readonly step?: number | undefined;
}

/** The checkpoint as the API takes it. */
export function toCheckpointChoice({ checkpoint, step }: CheckpointFlags): string {
  return step === undefined ? checkpoint : `step:${step}`;
}

/** The choices of a continuation, to be typed again; the rest is the default. */
export function choicesOf(
  verb: Choices['verb'],
  flags: OverrideFlags &
    CheckpointFlags & { readonly 'allow-backend-change'?: boolean; readonly name?: string | undefined },
): Choices {
  const { checkpoint, step, name } = flags;
  const chosen = checkpoint === 'latest' ? '' : ` --checkpoint ${checkpoint}`;
  const others = [
    overrideArguments(flags),
    flags['allow-backend-change'] === true ? ' --allow-backend-change' : '',
    name === undefined ? '' : ` --name ${JSON.stringify(name)}`,
  ];
  return { verb, checkpoint: step === undefined ? chosen : ` --step ${step}`, others: others.join('') };
}

type Part = Readonly<Record<string, unknown>>;

function earlyStopping(patience: number | undefined, isOff: boolean, present: Part | undefined): unknown {
  if (isOff) return null;
  return patience === undefined ? undefined : { ...present, patience };
}

/** The rhythm is replaced as a whole: every other trigger would go on saving. */
function checkpointPolicy(rhythm: Readonly<Record<string, number | undefined>>, present: Part = {}): unknown {
  const wanted = Object.entries(rhythm).filter(([, value]) => value !== undefined);
  if (wanted.length === 0) return undefined;
  const { keep_last } = present;
  return { ...(keep_last === undefined ? {} : { keep_last }), ...Object.fromEntries(wanted) };
}

/** What is in force: the specification with what earlier resumes changed of it. */
function presentOf({ spec, overrides }: OperationView): { checkpoint?: Part; earlyStopping?: Part } {
  const submitted = TrainingSpec.safeParse(spec);
  const changed = ResumeOverrides.safeParse(overrides ?? {});
  if (!submitted.success || !changed.success) return {};
  const { checkpoint, early_stopping } = applyOverrides(submitted.data, changed.data).spec;
  return { checkpoint, ...(early_stopping ? { earlyStopping: early_stopping } : {}) };
}
