/** How `JSON.stringify` writes what no text of PostgreSQL can hold: NUL, and half of a character. */
const SUSPECT = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

const IN_PLACE = '\ufffd';

/** With U+FFFD in place of every NUL and of every half of a character, as cutting a text leaves it. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', IN_PLACE);
}

/** What this JSON says, every text and name in it storable. @throws {SyntaxError} */
export function parseStorable(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return SUSPECT.test(json) ? storable(value) : value;
}

/** As JSON, every text and name in it storable. */
export function stringifyStorable(value: unknown): string {
  const json = JSON.stringify(value);
  return SUSPECT.test(json) ? JSON.stringify(storable(JSON.parse(json))) : json;
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [storableText(name), storable(part)]));
}
