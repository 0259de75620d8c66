import { inPlainWords } from '@ktrdr/specs';
import type { z } from 'zod';
import { SpecInvalidError } from './errors.js';

/**
 * The document with its defaults filled in.
 * @throws {SpecInvalidError} naming everything that is wrong.
 */
export function parseSpec<T>(schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document, { error: inPlainWords });
  if (parsed.success) return parsed.data;
  throw new SpecInvalidError(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
}
