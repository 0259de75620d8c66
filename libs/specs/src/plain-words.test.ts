import { z } from 'zod';
import { inPlainWords } from './plain-words.js';

function said(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value, { error: inPlainWords });
  return (error?.issues ?? []).map(({ path, message }) => [...path, message].map(String).join(' '));
}

describe('what is wrong with a value', () => {
  it.each<[string, z.ZodType, unknown]>([
    ['is missing', z.string(), undefined],
    ['is missing', z.enum(['a', 'b']), undefined],
    ['must be a number', z.number(), 'ten'],
    ['must be a number', z.coerce.number(), 'ten'],
    ['must be a number', z.coerce.number(), 'Infinity'],
    ['must be a number, not null', z.number(), null],
    ['must be a whole number', z.int(), 1.5],
    ['must be a text, not a number', z.string(), 3],
    ['must be a list, not an object', z.array(z.int()), {}],
    ['must be an object, not a list', z.strictObject({}), []],
    ['must be true or false', z.boolean(), 'yes'],
    ['must be at least 1', z.int().min(1), 0],
    ['must be above 0', z.number().positive(), 0],
    ['must be at most 64', z.number().max(64), 65],
    ['must be below 1', z.number().lt(1), 1],
    ['must not be empty', z.string().min(1), ''],
    ['must not be empty', z.array(z.int()).min(1), []],
    ['must have at least 16 characters', z.string().min(16), 'short'],
    ['must have at most 200 characters', z.string().max(200), 'x'.repeat(201)],
    ['must have at most 1 entry', z.array(z.int()).max(1), [1, 2]],
    ['must be one of a, b', z.enum(['a', 'b']), 'c'],
    ['must be 1', z.literal(1), 2],
    ['must be an instant such as 2026-01-31T12:00:00Z', z.iso.datetime(), 'today'],
    ['is none of what is allowed here', z.union([z.int(), z.literal('front')]), 'back'],
  ])('%s', (message, schema, value) => {
    expect(said(schema, value)).toEqual([message]);
  });

  it('names what tells one object from another', () => {
    const layer = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('dense'), units: z.int().min(1) }),
      z.strictObject({ kind: z.literal('flatten') }),
    ]);
    expect(said(layer, { kind: 'guess' })).toEqual(['kind must be one of dense, flatten']);
    expect(said(layer, {})).toEqual(['kind is missing: dense, flatten']);
    expect(said(layer, { kind: 'dense', units: 0 })).toEqual(['units must be at least 1']);
  });

  it('names the entry whose name is wrong', () => {
    const labels = z.record(z.string().max(3), z.string());
    expect(said(labels, { long: 'a' })).toEqual(['long has a name that must have at most 3 characters']);
  });

  it('is said in the words of the schema, where it has some', () => {
    expect(said(z.string().regex(/^a/, 'must begin with a'), 'b')).toEqual(['must begin with a']);
  });
});
