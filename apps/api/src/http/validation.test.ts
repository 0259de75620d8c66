import { z } from 'zod';
import { RequestInvalidError } from '@ktrdr/operations';
import { parsePart } from './validation.js';

const schema = z.strictObject({ name: z.string().max(3), spec: z.unknown() });

function problemsOf(value: unknown): unknown {
  try {
    return parsePart(schema, value, 'body');
  } catch (error) {
    if (!(error instanceof RequestInvalidError)) throw error;
    return error.problems;
  }
}

describe('what a request brings', () => {
  it('is handed on when it fits', () => {
    expect(problemsOf({ name: 'abc', spec: [1, null] })).toEqual({ name: 'abc', spec: [1, null] });
  });

  it('is refused with everything that is wrong', () => {
    expect(problemsOf({ name: 'long', spec: { a: ['b', 'c\0'] } })).toEqual([
      { path: 'name', message: 'must have at most 3 characters' },
      { path: 'spec.a.1', message: 'must not contain NUL' },
    ]);
  });

  it('is refused where the database could not keep it', () => {
    expect(problemsOf({ name: '\0', spec: { 'a\0': 1 } })).toEqual([
      { path: 'name', message: 'must not contain NUL' },
      { path: 'spec.a\\0', message: 'must not contain NUL in its name' },
    ]);
  });

  it('may be nested more deeply than calls can be', () => {
    let spec: unknown = 'a\0';
    for (let depth = 0; depth < 50_000; depth += 1) spec = [spec];
    expect(problemsOf({ name: 'abc', spec })).toMatchObject([{ message: 'must not contain NUL' }]);
  });
});
