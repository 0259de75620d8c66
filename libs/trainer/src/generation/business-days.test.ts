import { BusinessDays } from './business-days.js';

describe('business days', () => {
  it.each([
    ['2000-01-03', ['2000-01-03', '2000-01-04', '2000-01-05', '2000-01-06', '2000-01-07', '2000-01-10']], // a Monday
    ['2000-02-25', ['2000-02-25', '2000-02-28', '2000-02-29', '2000-03-01']], // a Friday in a leap year
    ['2000-01-01', ['2000-01-03', '2000-01-04']],
    ['2000-01-02', ['2000-01-03', '2000-01-04']],
    ['1969-12-30', ['1969-12-30', '1969-12-31', '1970-01-01', '1970-01-02', '1970-01-05']],
  ])('from %s on', (start, expected) => {
    const days = new BusinessDays(start);
    expect(expected.map((_, index) => days.date(index))).toEqual(expected);
  });

  it.each(['2000-01-05', '2000-01-08', '9999-12-27', '9999-12-31'])('from %s end with the year 9999', (start) => {
    const days = new BusinessDays(start);
    expect(days.date(days.count - 1)).toBe('9999-12-31');
  });
});
