import { parseIsoInstant } from './price-series.js';

describe('parseIsoInstant', () => {
  it.each([
    ['1970-01-02', 86_400_000],
    ['2020-02-29', Date.UTC(2020, 1, 29)],
    ['2020-04-17T16:00', Date.UTC(2020, 3, 17, 16)],
    ['2020-04-17 16:00:05', Date.UTC(2020, 3, 17, 16, 0, 5)],
    ['2020-04-17T16:00:05.250Z', Date.UTC(2020, 3, 17, 16, 0, 5, 250)],
    ['2020-04-17T16:00:00+02:00', Date.UTC(2020, 3, 17, 14)],
    ['2020-04-17T16:00:00-0530', Date.UTC(2020, 3, 17, 21, 30)],
  ])('reads %s', (text, instant) => {
    expect(parseIsoInstant(text)).toBe(instant);
  });

  it.each(['', 'yesterday', '17.04.2020', '03/04/2020', '2020-4-17', '2019-02-29', '2020-13-01', '2020-00-10'])(
    'refuses %p',
    (text) => {
      expect(parseIsoInstant(text)).toBeNull();
    },
  );

  it.each(['2020-04-17T24:00', '2020-04-17T10:60', '2020-04-17T10:00:61', '20200417', '0000-00-00', '1587081600'])(
    'refuses %p',
    (text) => {
      expect(parseIsoInstant(text)).toBeNull();
    },
  );
});
