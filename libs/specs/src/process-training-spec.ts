import { z } from 'zod';
import { compileLogPattern } from './log-pattern.js';
import { RetentionSpec } from './training-spec.js';

/**
 * A training by a program of any language, as one document. Stored immutably with its hash, as a `TrainingSpec` is; a
 * document with a `trainer` is one of these.
 */

const MAX_ARGUMENT_LENGTH = 4_096;
const MAX_DIRECTORY_DEPTH = 8;

/** Signals that request a program to end. A program cannot notice SIGKILL, so it is no choice. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** What stands for something of the attempt in a command. */
const COMMAND_PLACEHOLDERS = [
  'program_dir',
  'work_dir',
  'checkpoint_dir',
  'resume_dir',
  'resume_step',
  'params_file',
  'spec_file',
  'data_file',
  'result_file',
  'operation_id',
  'attempt',
] as const;
export type CommandPlaceholder = (typeof COMMAND_PLACEHOLDERS)[number];

const PLACEHOLDER = /\{([a-z_]+)\}/g;
const KNOWN: ReadonlySet<string> = new Set(COMMAND_PLACEHOLDERS);
/** Known only to an attempt that continues from a checkpoint. */
const ONLY_ON_RESUME: readonly string[] = ['resume_dir', 'resume_step'];

const Argument = z
  .string()
  .min(1)
  .max(MAX_ARGUMENT_LENGTH)
  .refine((text) => !text.includes('\0'), 'must not contain NUL')
  .refine(
    (text) => [...text.matchAll(PLACEHOLDER)].every(([, name]) => KNOWN.has(name ?? '')),
    `has an unknown placeholder; known are ${COMMAND_PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}`,
  );

const CompletionSpec = z
  .discriminatedUnion('by', [
    z
      .strictObject({ by: z.literal('rename') })
      .describe('written under another name and renamed: what has the name is complete'),
    z
      .strictObject({
        by: z.literal('marker'),
        file: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be a plain file name')
          .refine((name) => name !== '.' && name !== '..', 'must be a plain file name'),
      })
      .describe('complete when this file is in it, which is written last'),
    z
      .strictObject({ by: z.literal('quiet'), seconds: z.number().min(0.5).max(3_600).default(10) })
      .describe('complete when nothing in it has changed for so long while the program ran, or the next one was begun'),
  ])
  .describe('which checkpoint directories are complete, and which are still being written');
export type CompletionSpec = z.infer<typeof CompletionSpec>;

const RelativeDirectory = z
  .string()
  .min(1)
  .max(255)
  .refine((path) => {
    const parts = path.split('/');
    const isPlain = (part: string) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0');
    return parts.length <= MAX_DIRECTORY_DEPTH && parts.every(isPlain);
  }, 'must be a path below the working directory, such as checkpoints or out/checkpoints');

const Pattern = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((source, context) => {
    try {
      compileLogPattern(source);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message: `is no pattern that lines can be read with: ${reason}` });
    }
  })
  .describe(
    'RE2 syntax; the groups step, epoch, steps, epochs, loss and examples_per_second are progress, others metrics',
  );

const DIRECTORIES_ONLY = ['checkpoint_dir', 'complete', 'log_patterns', 'stop_signal'] as const;

const ProcessTrainerSpec = z
  .strictObject({
    kind: z.literal('process'),
    command: z.array(Argument).min(1).max(256).describe('the program and its arguments; no shell reads them'),
    resume_args: z.array(Argument).max(64).default([]).describe('added when an attempt continues from a checkpoint'),
    interface: z
      .enum(['directories', 'protocol'])
      .default('directories')
      .describe('directories: writes checkpoint-<step> directories; protocol: speaks the trainer protocol'),
    checkpoint_dir: RelativeDirectory.optional(),
    complete: CompletionSpec.optional(),
    log_patterns: z.array(Pattern).max(8).optional(),
    stop_signal: z.enum(STOP_SIGNALS).optional(),
    grace_seconds: z.number().min(0).max(3_600).default(30).describe('from the request to end to SIGKILL'),
  })
  .superRefine((trainer, context) => {
    const issue = (path: (string | number)[], message: string) => {
      context.addIssue({ code: 'custom', path, message });
    };
    trainer.command.forEach((argument, index) => {
      const [name] = ONLY_ON_RESUME.filter((candidate) => argument.includes(`{${candidate}}`));
      if (name) issue(['command', index], `{${name}} is known only on a resume: put it into resume_args`);
    });
    if (trainer.interface !== 'protocol') return;
    for (const field of DIRECTORIES_ONLY) {
      if (trainer[field] !== undefined)
        issue([field], 'is for the interface directories; a protocol trainer gets it in its messages');
    }
    for (const list of ['command', 'resume_args'] as const) {
      trainer[list].forEach((argument, index) => {
        if (argument.includes('{checkpoint_dir}') || argument.includes('{result_file}'))
          issue([list, index], 'a protocol trainer has no such place: it saves into spool_dir and reports its result');
      });
    }
  })
  .transform((trainer) =>
    trainer.interface === 'protocol'
      ? trainer
      : {
          ...trainer,
          checkpoint_dir: trainer.checkpoint_dir ?? 'checkpoints',
          complete: trainer.complete ?? ({ by: 'quiet', seconds: 10 } as const),
          log_patterns: trainer.log_patterns ?? [],
          stop_signal: trainer.stop_signal ?? ('SIGTERM' as const),
        },
  );

export const ProcessTrainingSpec = z.strictObject({
  version: z.literal(1),
  trainer: ProcessTrainerSpec,
  params: z.record(z.string(), z.json()).default({}).describe('handed to the program in a JSON file'),
  data: z
    .strictObject({
      source: z
        .string()
        .min(1)
        .max(1_024)
        .refine((uri) => !uri.includes('\0'), 'must not contain NUL')
        .refine((uri) => !uri.startsWith('dataset:'), 'only the built-in trainer has built-in datasets'),
    })
    .optional()
    .describe('one file that the worker fetches or finds: a path, a file:// URL or s3://bucket/key'),
  steps: z.int().min(1).max(1_000_000_000).nullable().default(null).describe('in all; null: not known beforehand'),
  epochs: z.int().min(1).max(1_000_000_000).nullable().default(null),
  checkpoint: z.strictObject(RetentionSpec.shape).prefault({}),
});
/** The document after defaults. */
export type ProcessTrainingSpec = z.infer<typeof ProcessTrainingSpec>;

/** Whether a training's document names its own trainer. Says nothing about whether it is valid. */
export function namesTrainer(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'trainer' in document;
}

/** What the command is with everything in its place. A placeholder without a value stays as it is written. */
export function fillPlaceholders(
  argument: string,
  values: Readonly<Partial<Record<CommandPlaceholder, string>>>,
): string {
  return argument.replaceAll(PLACEHOLDER, (whole, name: string) => values[name as CommandPlaceholder] ?? whole);
}
