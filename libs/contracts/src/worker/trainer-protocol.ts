import { CHECKPOINT_KINDS } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Count, Position } from '../fields.js';
import { CheckpointingFigures } from './measurements.js';

/**
 * The language between a supervisor and its trainer: one JSON document a line, control on file descriptor 3,
 * events on file descriptor 4. stdout and stderr are logs.
 */

export const CheckpointKind = z.enum(CHECKPOINT_KINDS);
export type CheckpointKind = z.infer<typeof CheckpointKind>;

const BOUNDARIES = ['step', 'epoch'] as const;
export const Boundary = z.enum(BOUNDARIES);
export type Boundary = z.infer<typeof Boundary>;

const MetricValue = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);
/** Named figures; what JSON has no number for travels as its name. */
export const Metrics = z.record(z.string(), MetricValue);
export type Metrics = z.infer<typeof Metrics>;

/** Supervisor → trainer. */
export const TrainerControl = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    operation_id: z.string(),
    attempt: z.int().min(1),
    operation_type: z.string().default('training'),
    spec: z.unknown(),
    spec_sha256: z.string(),
    /** Hashes of the specs that this one came from by recorded overrides; a checkpoint of any of them continues it. */
    accepted_spec_sha256: z.array(z.string()).default([]),
    /** A checkpoint of another backend may be continued, although the numbers will differ. */
    allow_backend_change: z.boolean().optional(),
    /** Local CSV file, or null for a built-in dataset. */
    data_file: z.string().nullable(),
    /** An existing empty directory; the trainer makes one folder per save in it. */
    spool_dir: z.string(),
    /** Files of the checkpoint to continue from, already verified. */
    resume: z.object({ dir: z.string(), ...Position }).nullable(),
  }),
  /** Save at the next step and go on. */
  z.object({ type: z.literal('save'), request_id: z.string(), kind: CheckpointKind }),
  /** Stop at the boundary; with `save`, save there first. Answered by `saved` (if asked for) and `stopped`. */
  z.object({
    type: z.literal('stop'),
    boundary: Boundary,
    save: z.object({ request_id: z.string(), kind: CheckpointKind }).nullable(),
  }),
  /** Withdraws a `stop` that has not taken effect. */
  z.object({ type: z.literal('continue') }),
  /** The save was committed or given up; its folder belongs to the supervisor and the next periodic one may come. */
  z.object({ type: z.literal('settled'), request_id: z.string() }),
]);
export type TrainerControl = z.infer<typeof TrainerControl>;

/** Trainer → supervisor. */
export const TrainerEvent = z.discriminatedUnion('type', [
  /** The process is up and has loaded what it can without knowing the operation. */
  z.object({
    type: z.literal('ready'),
    trainer: z.string(),
    version: z.string(),
    pid: z.int(),
    backends: z.array(z.string()),
    /** Their versions, as `started` will tell them. */
    backend_versions: z.record(z.string(), z.string()).optional(),
    /** What it can run. */
    operation_types: z.array(z.string()).default(['training']),
  }),
  /** Data read, model built, checkpoint restored: the next thing is a step. */
  z.object({
    type: z.literal('started'),
    ...Position,
    steps: Count,
    epochs: Count,
    /** null: this type of operation uses none. */
    backend: z.string().nullable(),
    backend_version: z.string(),
    backend_reason: z.string(),
    data_fingerprint: z.string(),
    parameters: z.int().min(0),
  }),
  z.object({
    type: z.literal('progress'),
    ...Position,
    steps: Count,
    epochs: Count,
    loss: MetricValue.nullable(),
    examples_per_second: z.number().min(0).nullable(),
  }),
  /** End of an epoch. */
  z.object({ type: z.literal('metrics'), ...Position, values: Metrics, best: z.boolean() }),
  /**
   * The state is copied out and its files are being written, each from its beginning to its end; no byte changes once it
   * is written. `saved` or `save_failed` with the same request id follows.
   */
  z.object({
    type: z.literal('saving'),
    request_id: z.string(),
    /** Where they are being written. It may be renamed when they are whole. */
    dir: z.string(),
    /** Their names inside `dir`, and what they will measure. */
    files: z.array(z.object({ name: z.string(), bytes: z.int().min(0) })).min(1),
  }),
  z.object({
    type: z.literal('saved'),
    request_id: z.string(),
    kind: CheckpointKind,
    ...Position,
    dir: z.string(),
    /** File names inside `dir`. */
    files: z.array(z.string()).min(1),
    /** How long training stood still for it. */
    stall_ms: z.number().min(0),
    /** From the moment whose state it is until the files were on disk. */
    write_ms: z.number().min(0).optional(),
    metrics: Metrics,
    best: z.object({ ...Position, metric: z.string(), value: MetricValue }).nullable(),
  }),
  z.object({ type: z.literal('save_failed'), request_id: z.string(), message: z.string() }),
  /** How often a trainer saves by its budget, and what that has cost; told when a save is settled. */
  z.object({ type: z.literal('checkpointing'), ...CheckpointingFigures }),
  z.object({ type: z.literal('stopped'), ...Position }),
  z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
  /** Everything is done; the final checkpoint came before as `saved` with kind `final`. */
  z.object({ type: z.literal('completed'), ...Position, result: z.record(z.string(), z.unknown()) }),
  z.object({
    type: z.literal('failed'),
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
]);
export type TrainerEvent = z.infer<typeof TrainerEvent>;

/** A number as it can stand in JSON. */
export function toMetricValue(value: number): z.infer<typeof MetricValue> {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '-Infinity';
  return value;
}
