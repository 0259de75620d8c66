import { age, count, duration, figure, ordinal, percent, quantity, size } from './units.js';

describe('units', () => {
  it('separates thousands', () => {
    expect([count(0), count(999), count(1400), count(1_234_567)]).toEqual(['0', '999', '1,400', '1,234,567']);
    expect([quantity(1, 'step'), quantity(0, 'step'), quantity(1400, 'step')]).toEqual([
      '1 step',
      '0 steps',
      '1,400 steps',
    ]);
  });

  it('counts places', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111, 1011].map(ordinal)).toEqual(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th 1,011th'.split(' '),
    );
  });

  it('writes sizes with three digits', () => {
    expect([0, 999, 1000, 1_403_000, 12_340_000, 999_600, 123_400_000_000].map(size)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '1.40 MB',
      '12.3 MB',
      '1.00 MB',
      '123 GB',
    ]);
  });

  it('writes durations with their two largest units', () => {
    expect([0, 0.25, 41, 59.9, 60, 125, 3_780, 187_200, Infinity].map(duration)).toEqual([
      '0 s',
      '0.3 s',
      '41 s',
      '1 min',
      '1 min',
      '2 min 5 s',
      '1 h 3 min',
      '2 d 4 h',
      '?',
    ]);
  });

  it('writes instants as people say them', () => {
    const now = new Date('2026-11-22T10:15:00.000Z');
    const ages = ['10:14:58', '10:14:30', '10:14:00', '10:12:59', '09:15:00', '10:20:01'].map((time) =>
      age(`2026-11-22T${time}.000Z`, now),
    );
    expect(ages).toEqual([
      'a moment ago',
      '30 seconds ago',
      '1 minute ago',
      '2 minutes ago',
      '1 hour ago',
      'in 5 minutes',
    ]);
    expect(age('yesterday', now)).toBe('yesterday');
  });

  it('calls nothing unfinished 100 %', () => {
    expect([0, 0.999, 0.29, 1].map(percent)).toEqual(['0 %', '99 %', '29 %', '100 %']);
  });

  it('shows figures that are no numbers as they came', () => {
    expect([0.68921, 1, 12.3456, 12345.67, 0.00001234, 'NaN', '-Infinity', null].map(figure)).toEqual([
      '0.6892',
      '1',
      '12.346',
      '12,345.7',
      '1.234e-5',
      'NaN',
      '-Infinity',
      '–',
    ]);
  });
});
