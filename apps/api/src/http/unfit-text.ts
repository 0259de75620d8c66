import type { FieldProblem } from '@ktrdr/specs';

interface Place {
  readonly path: string;
  readonly value: unknown;
  /** What it is a part of, and under which name. */
  readonly whole: object | null;
  readonly name: string;
}

/** Every value of a document with its path. Level by level, as it may be nested more deeply than calls can be. */
export function placesIn(document: unknown): readonly Place[] {
  const places: Place[] = [{ path: '', value: document, whole: null, name: '' }];
  for (const { path, value } of places) {
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, part] of Object.entries(value))
      places.push({ path: `${path}${path && '.'}${legible(name)}`, value: part, whole: value, name });
  }
  return places;
}

/** Where PostgreSQL could not keep a text or a name: it has no NUL, and only whole characters. */
export function unfitTextAt({ path, value, name }: Place): readonly FieldProblem[] {
  return [
    ...faultsOf(name).map((fault) => ({ path, message: `${fault} in its name` })),
    ...(typeof value === 'string' ? faultsOf(value).map((message) => ({ path, message })) : []),
  ];
}

function faultsOf(text: string): readonly string[] {
  return [
    ...(text.includes('\0') ? ['must not contain NUL'] : []),
    ...(text.isWellFormed() ? [] : ['must not contain half a surrogate pair']),
  ];
}

function legible(name: string): string {
  return name.replaceAll('\0', '\\0').toWellFormed();
}
