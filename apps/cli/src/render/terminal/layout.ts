import {
  type Block,
  type Cell,
  oneLine,
  type Part,
  printable,
  type Row,
  type Shown,
  type Table,
  type Tone,
} from '../words/parts.js';
import type { Paint } from './paint.js';

/** The lines of a terminal. */
export function printed(shown: Shown, paint: Paint): string {
  const parts: readonly Part[] = isList(shown) ? shown : [shown];
  return parts.map((part) => printedPart(part, paint)).join('\n');
}

function printedPart(part: Part, paint: Paint): string {
  if (typeof part === 'string' || 'text' in part) return painted(part, paint);
  if ('line' in part)
    return part.line
      .map((cell) => painted(cell, paint, printable))
      .join('  ')
      .trimEnd();
  return 'columns' in part ? printedTable(part, paint) : printedBlock(part, paint);
}

/** No line ends in a space. */
function printedTable({ columns, cells: rows }: Table, paint: Paint): string {
  const texts = rows.map((row) => row.map((cell) => oneLine(textOf(cell))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[], tones: readonly (Tone | null)[]): string => {
    let text = '';
    let padding = '';
    cells.forEach((cell, index) => {
      const room = (widths[index] ?? 0) - cell.length;
      const isRight = columns[index]?.align === 'right';
      const tone = tones[index];
      if (cell !== '') text += `${padding}${isRight ? ' '.repeat(room) : ''}${tone ? paint(tone, cell) : cell}`;
      padding = cell === '' ? padding + ' '.repeat((widths[index] ?? 0) + 2) : `${isRight ? '' : ' '.repeat(room)}  `;
    });
    return text;
  };
  const heading = line(
    columns.map(({ title }) => title),
    columns.map(() => 'label'),
  );
  const body = rows.map((row, index) =>
    line(
      texts[index] ?? [],
      row.map((cell) => (typeof cell === 'string' ? null : cell.tone)),
    ),
  );
  return [heading, ...body].join('\n');
}

/** Rows are indented, their values aligned. */
function printedBlock({ title, rows }: Block, paint: Paint): string {
  const shown = rows.filter(({ value }) => linesOf(value).length > 0);
  const width = Math.max(0, ...shown.map(({ label }) => label.length)) + 3;
  const lines = shown.flatMap(({ label, value }) =>
    linesOf(value).map((cell, index) => {
      const head = index === 0 ? paint('label', label) + ' '.repeat(width - label.length) : ' '.repeat(width);
      return `  ${head}${painted(cell, paint)}`;
    }),
  );
  return [painted(typeof title === 'string' ? { text: title, tone: 'title' } : title, paint), ...lines].join('\n');
}

function linesOf(value: Row['value']): readonly Cell[] {
  if (value === null || value === undefined || value === '') return [];
  return isList(value) ? value : [value];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function painted(cell: Cell, paint: Paint, safe: (text: string) => string = oneLine): string {
  const text = safe(textOf(cell));
  return typeof cell === 'string' ? text : paint(cell.tone, text);
}
