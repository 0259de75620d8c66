import { DRIFT_KINDS, GUARANTEE_LEVELS } from '@ktrdr/operations/model';
import { z } from 'zod';

/** How the result relates to the one of a run that was never interrupted. */
export const Guarantee = z.object({
  level: z.enum(GUARANTEE_LEVELS),
  detail: z.string().describe('why, and what it rests on'),
});
export type Guarantee = z.infer<typeof Guarantee>;

/** One thing that is not as it was when the checkpoint was saved. */
export const DriftView = z.object({
  what: z.enum(DRIFT_KINDS),
  checkpoint: z.string(),
  now: z.string(),
});
export type DriftView = z.infer<typeof DriftView>;
