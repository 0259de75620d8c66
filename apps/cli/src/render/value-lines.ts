import { figure } from './units.js';

/** Of a longer list only these are shown, and how many there are. */
const SHOWN_OF_A_LIST = 12;

/** How one number, text or flag reads. */
type Leaf = (value: unknown) => string;

/** In full: a rounded learning rate would be another one. */
export const exact: Leaf = (value) => (value === null || value === undefined ? 'none' : String(value));

/** What holds plain values only stands in one line up to this length. */
const LONGEST_LINE = 80;

/**
 * Values of any shape for people to read: names aligned, what a value holds behind its name where that is short, and
 * else indented below it.
 */
export function valueLines(values: Readonly<Record<string, unknown>>, leaf: Leaf = figure): string[] {
  const all = Object.entries(values).map(([name, value]) => ({ name, value, line: inLine(value, leaf) }));
  const width = Math.max(0, ...all.filter(({ line }) => line !== null).map(({ name }) => name.length));
  return all.flatMap(({ name, value, line }) =>
    line === null ? [name, ...nested(value, leaf).map((below) => `  ${below}`)] : `${name.padEnd(width)}  ${line}`,
  );
}

function nested(value: unknown, leaf: Leaf): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => listed(item, leaf));
  return valueLines(value as Readonly<Record<string, unknown>>, leaf);
}

/** An item of a list with more in it: a dash before its first line. */
function listed(item: unknown, leaf: Leaf): string[] {
  const line = inLine(item, leaf);
  const lines = line === null ? nested(item, leaf) : [line];
  return lines.map((text, index) => `${index === 0 ? '- ' : '  '}${text}`);
}

/** null: it does not fit in one line. */
function inLine(value: unknown, leaf: Leaf): string | null {
  if (!isStructure(value)) return leaf(value);
  const inner = Object.entries(value as object);
  if (inner.length === 0) return 'none';
  if (inner.some(([, part]) => isStructure(part))) return null;
  if (Array.isArray(value)) return listInLine(value, leaf);
  const line = kindFirst(inner)
    .map(([name, part]) => `${name} ${leaf(part)}`)
    .join('  ');
  return line.length > LONGEST_LINE ? null : line;
}

function listInLine(values: readonly unknown[], leaf: Leaf): string {
  const shown = values.slice(0, SHOWN_OF_A_LIST).map(leaf).join(', ');
  return values.length > SHOWN_OF_A_LIST ? `${shown}, … (${values.length} in all)` : shown;
}

/** What tells the one from the others comes first. */
function kindFirst(entries: readonly [string, unknown][]): readonly [string, unknown][] {
  return [...entries.filter(([name]) => name === 'kind'), ...entries.filter(([name]) => name !== 'kind')];
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
