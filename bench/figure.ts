/** What a figure must be. `ratio` speaks of the figure over its reference, measured in the same run. */
type Bar = Readonly<{ of: 'value' | 'ratio'; is: '==' | '<=' | '>='; limit: number }>;

/** The same measured on a peer, or on the physical limit. */
type Reference = Readonly<{ name: string; value: number }>;

/** One line of output. */
export type Figure = Readonly<{
  bench: string;
  figure: string;
  value: number;
  unit: string;
  reference: string | null;
  reference_value: number | null;
  /** value / reference_value */
  ratio: number | null;
  /** As an expression, such as `ratio <= 3`; null: reported without a promise. */
  bar: string | null;
  pass: boolean;
}>;

export type Measured = Readonly<{
  figure: string;
  value: number;
  unit: string;
  reference?: Reference;
  bar?: Bar;
}>;

function holds({ of, is, limit }: Bar, value: number, ratio: number | null): boolean {
  const judged = of === 'value' ? value : ratio;
  if (judged === null) throw new Error('A bar on a ratio needs a reference.');
  if (is === '==') return judged === limit;
  return is === '<=' ? judged <= limit : judged >= limit;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Judges what was measured by its bar, before anything is rounded. */
export function toFigure(bench: string, { figure, value, unit, reference, bar }: Measured): Figure {
  const ratio = reference === undefined ? null : value / reference.value;
  return {
    bench,
    figure,
    value: round(value),
    unit,
    reference: reference?.name ?? null,
    reference_value: reference === undefined ? null : round(reference.value),
    ratio: ratio === null ? null : round(ratio),
    bar: bar === undefined ? null : `${bar.of} ${bar.is} ${bar.limit}`,
    pass: bar === undefined || holds(bar, value, ratio),
  };
}

const HEAD = ['bench', 'figure', 'value', 'reference', '', 'ratio', 'bar', ''];
const RIGHT = new Set([2, 4, 5]);

function show(value: number | null, unit: string): string {
  if (value === null) return '';
  return `${Number.isInteger(value) ? value : value.toFixed(2)}${unit === '' ? '' : ` ${unit}`}`;
}

function toCells(figure: Figure): readonly string[] {
  const { bench, figure: name, value, unit, reference, reference_value, ratio, bar, pass } = figure;
  const verdict = bar === null ? '' : pass ? 'ok' : 'MISSED';
  const beside = [reference ?? '', show(reference_value, unit), ratio === null ? '' : `${ratio.toFixed(2)} x`];
  return [bench, name, show(value, unit), ...beside, bar ?? '', verdict];
}

/** For people: one aligned line a figure, under a head. */
export function toTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(toCells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const toLine = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(toLine).join('\n');
}
