import { DRIFT_KINDS, INTERVAL_REASONS } from '@ktrdr/operations/model';
import { z } from 'zod';
import { Instant } from '../fields.js';

/** What a trainer that saves by a budget has chosen, and what that cost its attempt so far. */
export const CheckpointingFigures = {
  overhead_budget: z.number().describe('fraction of the time that saving may cost'),
  max_loss_seconds: z.number().describe('of work that may be unsaved at any moment'),
  interval_seconds: z.number().min(0).describe('from one save to the next, as it is now'),
  decided_by: z
    .enum(INTERVAL_REASONS)
    .describe('the budget; the loss that is allowed; or that more often would protect little more'),
  stall_ms: z.number().min(0).describe('that training stands still for a save'),
  background_ms: z.number().min(0).describe('by which a save that is under way slows the steps beside it, together'),
  commit_seconds: z.number().min(0).describe('from the state that is saved to its commit'),
  saves: z.int().min(0),
  cost_seconds: z.number().min(0),
  trained_seconds: z.number().min(0),
};

/** One thing that is not as it was when the checkpoint was saved. */
export const DriftView = z.object({
  what: z.enum(DRIFT_KINDS),
  checkpoint: z.string(),
  now: z.string(),
});
export type DriftView = z.infer<typeof DriftView>;

const Measured = z.number().min(0).nullable().describe('null: not measured, which is not 0');

/** A machine at one moment. Whatever could not be measured is null. */
export const ResourceSnapshot = z.object({
  taken_at: Instant,
  cpu_percent: Measured,
  memory_used_bytes: Measured,
  memory_total_bytes: Measured,
  /** null: there is no way to ask for GPUs on this machine; empty: it was asked and has none. */
  gpus: z
    .array(
      z.object({
        name: z.string(),
        utilization_percent: Measured,
        memory_used_bytes: Measured,
        memory_total_bytes: Measured,
        temperature_celsius: Measured,
      }),
    )
    .nullable(),
  /** Resident memory of the trainer process before it ended, which its end has freed. */
  trainer_memory_bytes: Measured,
  /** Its process is gone: seen, not assumed. */
  trainer_gone: z.boolean(),
  examples_per_second: Measured,
});
export type ResourceSnapshot = z.infer<typeof ResourceSnapshot>;
