/** What a text means; a terminal makes a colour of it, a page a class. */
export type Tone = 'title' | 'label' | 'good' | 'bad' | 'busy' | 'waiting';

/** Text with a tone; plain text has none. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Row {
  readonly label: string;
  /** Several lines stand below each other. Rows without a value are left out. */
  readonly value: Cell | readonly Cell[] | null | undefined;
}

/** A title and labelled values below it. */
export interface Block {
  readonly title: Cell;
  readonly rows: readonly Row[];
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Aligned columns under a heading. */
export interface Table {
  readonly columns: readonly Column[];
  readonly cells: readonly (readonly Cell[])[];
}

/** Cells in one line. */
export interface Line {
  readonly line: readonly Cell[];
}

export type Part = Cell | Line | Block | Table;

/** What a command shows: its parts, below each other. */
export type Shown = Part | readonly Part[];

export function bad(text: string): Cell {
  return { text, tone: 'bad' };
}

/** Text from elsewhere, safe to show: what a terminal would obey is spelled out. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The same, in one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n\t]+\s*/g, ' '));
}
