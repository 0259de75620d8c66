import { figure } from './units.js';

/** How values read. */
interface Manner {
  /** One number, text or flag. */
  readonly leaf: (value: unknown) => string;
  /** Of a longer list only these are shown, and how many there are. */
  readonly shownOfAList: number;
}

const SHORT: Manner = { leaf: figure, shownOfAList: 12 };

/** In full: a rounded learning rate would be another one, and a command without its end another command. */
export const EXACT: Manner = {
  leaf: (value) => (value === null || value === undefined ? 'none' : String(value)),
  shownOfAList: Infinity,
};

/** What holds plain values only stands in one line up to this length. */
const LONGEST_LINE = 80;

/**
 * Values of any shape for people to read: names aligned, what a value holds behind its name where that is short, and
 * else indented below it.
 */
export function valueLines(values: Readonly<Record<string, unknown>>, manner: Manner = SHORT): string[] {
  const all = Object.entries(values).map(([name, value]) => ({ name, value, line: inLine(value, manner) }));
  const width = Math.max(0, ...all.filter(({ line }) => line !== null).map(({ name }) => name.length));
  return all.flatMap(({ name, value, line }) =>
    line === null ? [name, ...nested(value, manner).map((below) => `  ${below}`)] : `${name.padEnd(width)}  ${line}`,
  );
}

function nested(value: unknown, manner: Manner): string[] {
  if (Array.isArray(value)) {
    const shown = value.slice(0, manner.shownOfAList).flatMap((item) => listed(item, manner));
    return value.length > manner.shownOfAList ? [...shown, `… (${value.length} in all)`] : shown;
  }
  return valueLines(value as Readonly<Record<string, unknown>>, manner);
}

/** An item of a list with more in it: a dash before its first line. */
function listed(item: unknown, manner: Manner): string[] {
  const line = inLine(item, manner);
  const lines = line === null ? nested(item, manner) : [line];
  return lines.map((text, index) => `${index === 0 ? '- ' : '  '}${text}`);
}

/** null: it does not fit in one line. */
function inLine(value: unknown, manner: Manner): string | null {
  if (!isStructure(value)) return manner.leaf(value);
  const inner = Object.entries(value as object);
  if (inner.length === 0) return 'none';
  if (inner.some(([, part]) => isStructure(part))) return null;
  if (Array.isArray(value)) return listInLine(value, manner);
  const line = kindFirst(inner)
    .map(([name, part]) => `${name} ${manner.leaf(part)}`)
    .join('  ');
  return line.length > LONGEST_LINE ? null : line;
}

function listInLine(values: readonly unknown[], { leaf, shownOfAList }: Manner): string {
  const shown = values
    .slice(0, shownOfAList)
    .map((value) => leaf(value))
    .join(', ');
  return values.length > shownOfAList ? `${shown}, … (${values.length} in all)` : shown;
}

/** What tells the one from the others comes first. */
function kindFirst(entries: readonly [string, unknown][]): readonly [string, unknown][] {
  return [...entries.filter(([name]) => name === 'kind'), ...entries.filter(([name]) => name !== 'kind')];
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
