import { inPlainWords } from '@ktrdr/contracts';
import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { type FieldProblem, RequestInvalidError } from './errors.js';

/** Parses what came in; every problem is named at once. */
export function zod<S extends z.ZodType>(schema: S, part = 'body'): PipeTransform<unknown, z.output<S>> {
  return {
    transform(value: unknown) {
      const parsed = schema.safeParse(value ?? {}, { error: inPlainWords });
      const problems = [...(parsed.success ? [] : toFieldProblems(parsed.error)), ...placesOfNul(value)];
      if (!parsed.success || problems.length > 0) throw new RequestInvalidError(part, problems);
      return parsed.data;
    },
  };
}

/** PostgreSQL has no such character. Level by level, as what came in may be nested more deeply than calls can be. */
function placesOfNul(whole: unknown): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const places: { readonly path: string; readonly value: unknown }[] = [{ path: '', value: whole }];
  for (const { path, value } of places) {
    if (typeof value === 'string' && value.includes('\0')) problems.push({ path, message: 'must not contain NUL' });
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, part] of Object.entries(value)) {
      const place = `${path}${path && '.'}${name.replaceAll('\0', '\\0')}`;
      if (name.includes('\0')) problems.push({ path: place, message: 'must not contain NUL in its name' });
      places.push({ path: place, value: part });
    }
  }
  return problems;
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
