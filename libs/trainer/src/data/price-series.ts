import { CsvError, parse } from 'csv-parse/sync';
import { DataInvalidError, type DataPlace } from './errors.js';

/** Prices in ascending order of time, all positive and finite. The three arrays have one entry a row. */
export interface PriceSeries {
  /** As written in the file. */
  readonly dates: readonly string[];
  readonly prices: Float64Array;
  /** 1-based line of the file. */
  readonly lines: readonly number[];
}

export interface CsvColumns {
  /** How errors call the file. */
  readonly file: string;
  readonly dateColumn: string;
  readonly priceColumn: string;
}

const MAX_RECORD_BYTES = 1024 * 1024;
const ISO_INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?:Z|([+-])(\d{2}):?(\d{2}))?)?$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Reads a CSV file with a header; columns other than the two are ignored. Throws DataInvalidError. */
export function parsePriceSeries(bytes: Uint8Array, columns: CsvColumns): PriceSeries {
  const reader = new RowReader(columns);
  try {
    parse(bytes, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_BYTES,
      // Kept here and not returned: of a wide file only two columns stay in memory.
      on_record: (record: string[], { lines }) => {
        reader.read(record, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DataInvalidError({ file: columns.file }, `not a well-formed CSV file (${error.message})`, {
      cause: error,
    });
  }
  return reader.series();
}

class RowReader {
  private header: { readonly date: number; readonly price: number } | null = null;
  private readonly dates: string[] = [];
  private readonly prices: number[] = [];
  private readonly lines: number[] = [];
  private previousInstant = -Infinity;

  constructor(private readonly columns: CsvColumns) {}

  read(record: readonly string[], line: number): void {
    const { file, dateColumn, priceColumn } = this.columns;
    if (!this.header) {
      this.header = { date: indexOf(dateColumn, record, file), price: indexOf(priceColumn, record, file) };
      return;
    }
    const date = record[this.header.date] ?? '';
    this.readDate(date, { file, row: line, column: dateColumn });
    this.prices.push(parsePrice(record[this.header.price] ?? '', { file, row: line, column: priceColumn }));
    this.dates.push(date);
    this.lines.push(line);
  }

  series(): PriceSeries {
    if (this.prices.length === 0) {
      const what = this.header ? 'the file has a header but no rows' : 'the file is empty';
      throw new DataInvalidError({ file: this.columns.file }, `${what}; it needs a header and one row a trading day`);
    }
    return { dates: this.dates, prices: Float64Array.from(this.prices), lines: this.lines };
  }

  private readDate(date: string, place: DataPlace): void {
    const instant = parseIsoInstant(date);
    if (instant === null)
      throw new DataInvalidError(place, `${quoted(date)} is not a date; write dates as 2020-04-17 or in full ISO 8601`);
    if (instant <= this.previousInstant) {
      const [what, remedy] =
        instant === this.previousInstant
          ? ['is there twice, first', 'remove one of the two']
          : [`comes after ${this.dates.at(-1) ?? ''}`, 'sort the file by date, oldest first'];
      throw new DataInvalidError(place, `${date} ${what} in row ${this.lines.at(-1) ?? 0}; ${remedy}`);
    }
    this.previousInstant = instant;
  }
}

function indexOf(column: string, header: readonly string[], file: string): number {
  const index = header.indexOf(column);
  if (index < 0) {
    const present = header.slice(0, 20).map(quoted).join(', ');
    throw new DataInvalidError(
      { file, row: 1, column },
      `there is no such column; the file has ${present}${header.length > 20 ? ' …' : ''}. ` +
        'Name the right one in data.date_column or data.price_column',
    );
  }
  if (header.includes(column, index + 1))
    throw new DataInvalidError({ file, row: 1, column }, 'two columns have this name; rename one of them');
  return index;
}

function parsePrice(text: string, place: DataPlace): number {
  const price = DECIMAL.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(price)) {
    const what = text === '' ? 'the price is missing' : `${quoted(text)} is not a finite number`;
    throw new DataInvalidError(place, `${what}; write prices in digits with a decimal point, or remove the row`);
  }
  if (price <= 0)
    throw new DataInvalidError(place, `the price ${quoted(text)} is not positive; correct it, or remove the row`);
  return price;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * Milliseconds since 1970 of `2020-04-17` or `2020-04-17T16:00:00Z`, or null where the text is neither or the calendar
 * has no such day. A time without an offset is UTC. Other notations are refused: 03/04/2020 is two different days.
 */
export function parseIsoInstant(text: string): number | null {
  const match = ISO_INSTANT.exec(text);
  if (!match) return null;
  const field = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [field(1), field(2), field(3), field(4), field(5), field(6)];
  const midnight = Date.UTC(year, month - 1, day);
  const date = new Date(midnight);
  const isOnCalendar = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isOnCalendar || hour > 23 || minute > 59 || second > 59) return null;
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (field(9) * 60 + field(10));
  return midnight + (hour * 3600 + (minute - offsetMinutes) * 60 + second) * 1000 + field(7) * 1000;
}
