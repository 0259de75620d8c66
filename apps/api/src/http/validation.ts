import { inPlainWords } from '@ktrdr/specs';
import type { z } from 'zod';
import { type FieldProblem, RequestInvalidError } from './errors.js';
import { placesIn, unfitTextAt } from './unfit-text.js';

/** Parses a part of a request. @throws {RequestInvalidError} naming every problem at once */
export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: 'body' | 'query'): z.output<S> {
  const parsed = schema.safeParse(value ?? {}, { error: inPlainWords });
  const problems = [...(parsed.success ? [] : toFieldProblems(parsed.error)), ...placesIn(value).flatMap(unfitTextAt)];
  if (!parsed.success || problems.length > 0) throw new RequestInvalidError(part, problems);
  return parsed.data;
}

/** `model.layers.0.units` and what is wrong there. */
export function toFieldProblems(error: z.ZodError): readonly FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: path ? `${path}.${key}` : key, message: 'is not a known field' }));
    return [{ path, message: issue.message }];
  });
}
