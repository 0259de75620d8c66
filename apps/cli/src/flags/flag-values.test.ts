import { parseBytes, parseDays, parseSeconds } from './flag-values.js';

describe('amounts on the command line', () => {
  it('are times', () => {
    expect(['30d', '12h', '2w', '0d', '1.5d'].map((text) => parseDays('older-than', text))).toEqual([
      30, 0.5, 14, 0, 1.5,
    ]);
  });

  it('are short times', () => {
    expect(['30min', '1h', '2d', '90s', '1.5h'].map((text) => parseSeconds('expires-in', text))).toEqual([
      1_800, 3_600, 172_800, 90, 5_400,
    ]);
    for (const text of ['', '1', '1m', '-1h', '1w'])
      expect(() => parseSeconds('expires-in', text)).toThrow(/--expires-in .* is not a time/);
  });

  it('are sizes', () => {
    expect(['10GB', '500 MiB', '1000', '1.5kB', '0'].map((text) => parseBytes('max-size', text))).toEqual([
      10e9,
      500 * 2 ** 20,
      1000,
      1500,
      0,
    ]);
  });

  it('are refused where they could mean minutes or months', () => {
    for (const text of ['1m', '6 M', '1.5m'])
      expect(() => parseDays('older-than', text)).toThrow(/--older-than .* could mean minutes or months\. Give hours/);
  });

  it('are refused when they are neither', () => {
    for (const text of ['', '30', 'd', '-1d', '3y', '1e3d', '5min', 'm'])
      expect(() => parseDays('older-than', text)).toThrow(/--older-than .* is not a time/);
    for (const text of ['', 'GB', '-1GB', '5XB', '1.2.3'])
      expect(() => parseBytes('max-size', text)).toThrow(/--max-size .* is not a size/);
  });
});
