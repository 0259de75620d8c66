import { RequestInvalidError } from '@ktrdr/operations';
import { inPlainWords, toFieldProblems } from '@ktrdr/specs';
import type { z } from 'zod';
import { placesIn, unfitTextAt } from './unfit-text.js';

/** Parses a part of a request. @throws {RequestInvalidError} naming every problem at once */
export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: 'body' | 'query'): z.output<S> {
  const parsed = schema.safeParse(value ?? {}, { error: inPlainWords });
  const problems = [...(parsed.success ? [] : toFieldProblems(parsed.error)), ...placesIn(value).flatMap(unfitTextAt)];
  if (!parsed.success || problems.length > 0) throw new RequestInvalidError(part, problems);
  return parsed.data;
}
