import type { z } from 'zod';

type Issue = Parameters<z.core.$ZodErrorMap>[0];

/**
 * What is wrong with a value, to be read behind its name: `epochs must be at least 1`. For the `error` of a parse; what
 * a schema says itself goes first.
 */
export const inPlainWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${KINDS[issue.expected] ?? issue.expected}${instead(issue)}`;
    case 'too_small':
      return tooSmall(issue);
    case 'too_big':
      return tooBig(issue);
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : oneOf(issue.values);
    case 'invalid_union':
      return union(issue);
    case 'invalid_format':
      return FORMATS[issue.format];
    case 'invalid_key':
      return `has a name that ${issue.issues[0]?.message ?? 'is not allowed'}`;
    case 'unrecognized_keys':
      return `has fields that are not known: ${issue.keys.join(', ')}`;
    default:
      return undefined;
  }
};

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'must be an instant such as 2026-01-31T12:00:00Z',
  url: 'must be a URL',
  safeint: 'must be a whole number',
};

function tooSmall({ origin, minimum, inclusive }: Extract<Issue, { code: 'too_small' }>): string {
  const things = THINGS[origin];
  if (things) return Number(minimum) === 1 ? 'must not be empty' : `must have at least ${minimum} ${things}`;
  return inclusive ? `must be at least ${minimum}` : `must be above ${minimum}`;
}

function tooBig({ origin, maximum, inclusive }: Extract<Issue, { code: 'too_big' }>): string {
  const things = THINGS[origin];
  if (things) return `must have at most ${maximum} ${Number(maximum) === 1 ? SINGLE[things] : things}`;
  return inclusive ? `must be at most ${maximum}` : `must be below ${maximum}`;
}

const THINGS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', record: 'entries' };
const SINGLE: Readonly<Record<string, string>> = { characters: 'character', entries: 'entry' };

/** A discriminator field selects one of several objects. */
function union(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const { discriminator, inst, input } = issue as Issue & { discriminator?: string; inst?: z.core.$ZodType };
  const values = discriminator === undefined ? undefined : inst?._zod.propValues?.[discriminator];
  if (discriminator === undefined || !values) return 'is none of what is allowed here';
  const isMissing = (input as Readonly<Record<string, unknown>> | null)?.[discriminator] === undefined;
  return isMissing ? `is missing: ${list([...values])}` : oneOf([...values]);
}

function oneOf(values: readonly unknown[]): string {
  return `must be ${values.length === 1 ? '' : 'one of '}${list(values)}`;
}

function list(values: readonly unknown[]): string {
  return values.map(String).join(', ');
}

/** The kind of value that is there instead, never the value: it may be a secret. */
function instead({ input, expected }: Extract<Issue, { code: 'invalid_type' }>): string {
  if (input === null) return ', not null';
  if (Array.isArray(input)) return ', not a list';
  if (typeof input === 'object') return ', not an object';
  return typeof input === 'number' && expected !== 'int' && Number.isFinite(input) ? ', not a number' : '';
}

/** What is wrong at one place of a document. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
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
