import { z } from 'zod';
import { Suggestion } from './operation-view.js';

/** Any failure (RFC 9457), with the error's own fields beside the standard ones. */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  suggestions: z.array(Suggestion).optional().catch(undefined).describe('what to do instead'),
});
export type Problem = z.infer<typeof Problem>;
