import { figure } from './units.js';

/** Of a longer list only these are shown, and how many there are. */
const SHOWN_OF_A_LIST = 12;

/** How one number, text or flag reads. */
type Leaf = (value: unknown) => string;

/** In full: a rounded learning rate would be another one. */
export const exact: Leaf = (value) => (value === null || value === undefined ? 'none' : String(value));

/**
 * Values of any shape for people to read: names aligned, what a value holds indented below its name, a list of plain
 * values in one line.
 */
export function valueLines(values: Readonly<Record<string, unknown>>, leaf: Leaf = figure): string[] {
  const all = Object.entries(values);
  const widths = all.filter(([, value]) => isInLine(value)).map(([name]) => name.length);
  const width = Math.max(0, ...widths);
  return all.flatMap(([name, value]) =>
    isInLine(value)
      ? `${name.padEnd(width)}  ${inLine(value, leaf)}`
      : [name, ...nested(value, leaf).map((line) => `  ${line}`)],
  );
}

function nested(value: unknown, leaf: Leaf): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => listed(item, leaf));
  return valueLines(value as Readonly<Record<string, unknown>>, leaf);
}

/** An item of a list with more in it: a dash before its first line. */
function listed(item: unknown, leaf: Leaf): string[] {
  const lines = isInLine(item) ? [inLine(item, leaf)] : nested(item, leaf);
  return lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
}

function isInLine(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => !isStructure(item));
  return !isStructure(value) || Object.keys(value as object).length === 0;
}

function inLine(value: unknown, leaf: Leaf): string {
  if (!isStructure(value)) return leaf(value);
  if (!Array.isArray(value) || value.length === 0) return 'none';
  const shown = value.slice(0, SHOWN_OF_A_LIST).map(leaf).join(', ');
  return value.length > SHOWN_OF_A_LIST ? `${shown}, … (${value.length} in all)` : shown;
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
