import { oneLine, type Paint, type Tone } from './paint.js';

/** A cell with a colour; plain text has none. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export interface Row {
  readonly label: string;
  /** Several lines stand below each other. Rows without a value are left out. */
  readonly value: Cell | readonly Cell[] | null | undefined;
}

/** Aligned columns under a heading; no line ends in a space. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], paint: Paint): string {
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

/** A title and labelled values below it, indented and aligned. */
export function block(title: Cell, rows: readonly Row[], paint: Paint): string {
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
  return isCell(value) ? [value] : value;
}

function isCell(value: Cell | readonly Cell[]): value is Cell {
  return !Array.isArray(value);
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function painted(cell: Cell, paint: Paint): string {
  const text = oneLine(textOf(cell));
  return typeof cell === 'string' ? text : paint(cell.tone, text);
}
