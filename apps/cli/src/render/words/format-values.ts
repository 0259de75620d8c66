import { figure } from './units.js';

/** How values are written. */
interface ValueFormat {
  /** One number, text or flag. */
  readonly leaf: (value: unknown) => string;
  /** Of a longer list only these are shown, and how many there are. */
  readonly shownOfAList: number;
}

const SHORT: ValueFormat = { leaf: figure, shownOfAList: 12 };

/** In full: a rounded learning rate would be another one, and a command without its end another command. */
export const EXACT: ValueFormat = {
  leaf: (value) => (value === null || value === undefined ? 'none' : String(value)),
  shownOfAList: Infinity,
};

/** What holds plain values only stands in one line up to this length. */
const LONGEST_LINE = 80;

/**
 * Values of any shape for people to read: names aligned, what a value holds behind its name where that is short, and
 * else indented below it.
 */
export function formatValues(values: Readonly<Record<string, unknown>>, format: ValueFormat = SHORT): string[] {
  const all = Object.entries(values).map(([name, value]) => ({ name, value, line: inLine(value, format) }));
  const width = Math.max(0, ...all.filter(({ line }) => line !== null).map(({ name }) => name.length));
  return all.flatMap(({ name, value, line }) =>
    line === null ? [name, ...nested(value, format).map((below) => `  ${below}`)] : `${name.padEnd(width)}  ${line}`,
  );
}

function nested(value: unknown, format: ValueFormat): string[] {
  if (Array.isArray(value)) {
    const shown = value.slice(0, format.shownOfAList).flatMap((item) => listed(item, format));
    return value.length > format.shownOfAList ? [...shown, `… (${value.length} in all)`] : shown;
  }
  return formatValues(value as Readonly<Record<string, unknown>>, format);
}

/** An item of a list with more in it: a dash before its first line. */
function listed(item: unknown, format: ValueFormat): string[] {
  const line = inLine(item, format);
  const lines = line === null ? nested(item, format) : [line];
  return lines.map((text, index) => `${index === 0 ? '- ' : '  '}${text}`);
}

/** null: it does not fit in one line. */
function inLine(value: unknown, format: ValueFormat): string | null {
  if (!isStructure(value)) return format.leaf(value);
  const inner = Object.entries(value as object);
  if (inner.length === 0) return 'none';
  if (inner.some(([, part]) => isStructure(part))) return null;
  if (Array.isArray(value)) return listInLine(value, format);
  const line = kindFirst(inner)
    .map(([name, part]) => `${name} ${format.leaf(part)}`)
    .join('  ');
  return line.length > LONGEST_LINE ? null : line;
}

function listInLine(values: readonly unknown[], { leaf, shownOfAList }: ValueFormat): string {
  const shown = values
    .slice(0, shownOfAList)
    .map((value) => leaf(value))
    .join(', ');
  return values.length > shownOfAList ? `${shown}, … (${values.length} in all)` : shown;
}

/** The kind comes first: it distinguishes the items of a list. */
function kindFirst(entries: readonly [string, unknown][]): readonly [string, unknown][] {
  return [...entries.filter(([name]) => name === 'kind'), ...entries.filter(([name]) => name !== 'kind')];
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
