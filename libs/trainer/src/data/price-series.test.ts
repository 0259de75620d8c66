import { DataInvalidError } from './errors.js';
import { parsePriceSeries } from './price-series.js';

const COLUMNS = { file: 'prices.csv', dateColumn: 'date', priceColumn: 'price' };
const read = (text: string) => parsePriceSeries(Buffer.from(text), COLUMNS);

function refusal(text: string | Uint8Array): DataInvalidError {
  try {
    parsePriceSeries(typeof text === 'string' ? Buffer.from(text) : text, COLUMNS);
  } catch (error) {
    if (error instanceof DataInvalidError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('parsePriceSeries', () => {
  it('reads the two columns wherever they stand', () => {
    const series = read('volume,price,date\n7,1.5,2020-01-01\n8,2e3,2020-01-02\n');
    expect(series.dates).toEqual(['2020-01-01', '2020-01-02']);
    expect([...series.prices]).toEqual([1.5, 2000]);
    expect(series.lines).toEqual([2, 3]);
  });

  it('accepts a byte order mark, CRLF, quotes, blanks and empty lines, and still counts lines', () => {
    const series = read('\ufeffdate, price\r\n"2020-01-01", 1\r\n\r\n2020-01-02,2\r\n');
    expect([...series.prices]).toEqual([1, 2]);
    expect(series.lines).toEqual([2, 4]);
  });

  it.each([
    ['an empty file', '', {}, 'the file is empty'],
    ['a file of blank lines', '\n\n', {}, 'the file is empty'],
    ['a header alone', 'date,price\n', {}, 'no rows'],
    ['a missing price column', 'date,close\n2020-01-01,1\n', { row: 1, column: 'price' }, '"date", "close"'],
    ['a missing date column', 'day,price\n2020-01-01,1\n', { row: 1, column: 'date' }, 'data.date_column'],
    ['another separator', 'date;price\n2020-01-01;1\n', { row: 1, column: 'date' }, '"date;price"'],
    ['a doubled column', 'date,price,price\n2020-01-01,1,2\n', { row: 1, column: 'price' }, 'two columns'],
    ['a short row', 'date,price\n2020-01-01\n', {}, 'line 2'],
    ['an open quote', 'date,price\n"2020-01-01,1\n', {}, 'Quote Not Closed'],
    ['a missing price', 'date,price\n2020-01-01,\n', { row: 2, column: 'price' }, 'the price is missing'],
    ['NaN', 'date,price\n2020-01-01,NaN\n', { row: 2, column: 'price' }, '"NaN" is not a finite number'],
    ['infinity', 'date,price\n2020-01-01,Infinity\n', { row: 2, column: 'price' }, 'not a finite number'],
    ['a number too large', 'date,price\n2020-01-01,1e999\n', { row: 2, column: 'price' }, 'not a finite number'],
    ['a word', 'date,price\n2020-01-01,n/a\n', { row: 2, column: 'price' }, '"n/a" is not a finite number'],
    ['a hexadecimal', 'date,price\n2020-01-01,0x10\n', { row: 2, column: 'price' }, 'not a finite number'],
    ['a grouped number', 'date,price\n2020-01-01,"1,000"\n', { row: 2, column: 'price' }, 'not a finite number'],
    ['zero', 'date,price\n2020-01-01,0\n', { row: 2, column: 'price' }, 'is not positive'],
    ['a negative price', 'date,price\n2020-01-01,1\n2020-01-02,-3\n', { row: 3, column: 'price' }, 'is not positive'],
    ['a foreign date', 'date,price\n17.04.2020,1\n', { row: 2, column: 'date' }, '"17.04.2020" is not a date'],
    ['a day no calendar has', 'date,price\n2020-02-30,1\n', { row: 2, column: 'date' }, 'is not a date'],
    ['a missing date', 'date,price\n,1\n', { row: 2, column: 'date' }, '"" is not a date'],
    ['a step back', 'date,price\n2020-01-02,1\n2020-01-01,1\n', { row: 3, column: 'date' }, 'comes after 2020-01-02'],
    ['a doubled date', 'date,price\n2020-01-02,1\n\n2020-01-02,1\n', { row: 4, column: 'date' }, 'first in row 2'],
  ])('refuses %s and says where', (_, text, place, reason) => {
    const { code, message, details } = refusal(text);
    expect(code).toBe('data-invalid');
    expect(details).toMatchObject({ file: 'prices.csv', ...place });
    expect(message).toContain('prices.csv');
    expect(message).toContain(reason);
    if ('row' in place) expect(message).toContain(`row ${place.row}, column ${place.column}`);
  });

  it('refuses binary data without repeating it', () => {
    const noise = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251);
    expect(refusal(noise).message.length).toBeLessThan(2000);
    expect(refusal(Buffer.alloc(2 * 1024 * 1024, 'x')).message).toContain('not a well-formed CSV file');
  });
});
