import { INTERVAL_REASONS } from '@ktrdr/operations/model';
import { z } from 'zod';

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

/** The same over all attempts, with what came of it. */
export const CheckpointingView = z.object({
  ...CheckpointingFigures,
  overhead_fraction: z.number().describe('of the time, over all attempts: what the budget bounds'),
  longest_unprotected_seconds: z
    .number()
    .describe('the most work that was unsaved at a moment: what max_loss_seconds bounds'),
  is_budget_kept: z.boolean(),
  is_max_loss_kept: z.boolean(),
});
export type CheckpointingView = z.infer<typeof CheckpointingView>;
