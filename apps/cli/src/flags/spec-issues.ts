import { DomainError } from '@ktrdr/errors';
import type { SpecFile } from './spec-file.js';

/**
 * Adds the line of the file to each field that the API refuses in a specification. Only for people: the problem that a
 * program reads stays as the API sent it.
 */
export function locateIssues(error: unknown, file: SpecFile): unknown {
  if (!(error instanceof DomainError) || !('problem' in error)) return error;
  const problem = error.problem as Readonly<Record<string, unknown>>;
  if (!Array.isArray(problem['problems'])) return error;
  const problems = problem['problems'].map((field: unknown) => {
    if (typeof field !== 'object' || field === null || !('path' in field)) return field;
    const line = file.lineOf(pathOf(String(field.path)));
    return line === null ? field : { ...field, line };
  });
  return Object.assign(error, { forPeople: { ...problem, problems } });
}

/** `model.layers.0.units`; the API puts `spec.` before it where it speaks of the whole request. */
function pathOf(path: string): (string | number)[] {
  const keys = path.split('.').filter((key) => key !== '');
  return (keys[0] === 'spec' ? keys.slice(1) : keys).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}
