import * as fc from 'fast-check';
import { DataInvalidError } from './errors.js';
import { planSamples, type SampleDemand } from './sample-plan.js';

const HALVES = { train: 0.5, validation: 0.25, test: 0.25 };
const demand = (change: Partial<SampleDemand> = {}): SampleDemand => ({
  file: 'prices.csv',
  rows: 100,
  warmUp: 10,
  window: 5,
  horizon: 2,
  split: HALVES,
  ...change,
});

describe('planSamples', () => {
  it('leaves the horizon out between the parts and at the end', () => {
    // rows 14 … 97 can be sample days; 4 of these 84 are gaps
    expect(planSamples(demand())).toEqual({
      train: { first: 14, count: 40 },
      validation: { first: 56, count: 20 },
      test: { first: 78, count: 20 },
    });
  });

  it('needs no gap beside a part that is not wanted', () => {
    const { train, validation, test } = planSamples(demand({ split: { train: 0.5, validation: 0, test: 0.5 } }));
    expect([train, validation.count, test]).toEqual([{ first: 14, count: 41 }, 0, { first: 57, count: 41 }]);
    const alone = planSamples(demand({ split: { train: 1, validation: 0, test: 0 } }));
    expect([alone.train, alone.validation.count, alone.test.count]).toEqual([{ first: 14, count: 84 }, 0, 0]);
  });

  it('says how many rows are enough, and they are', () => {
    const refused = (rows: number) => () => planSamples(demand({ rows }));
    expect(refused(20)).toThrow(DataInvalidError);
    expect(refused(20)).toThrow('20 rows are too few');
    expect(refused(20)).toThrow('Give at least 25 rows');
    expect(refused(25)).not.toThrow();
  });

  it('orders the parts by time, with every label settled before the next part begins', () => {
    const share = fc.integer({ min: 0, max: 20 });
    const anyDemand = fc
      .record({
        rows: fc.integer({ min: 0, max: 3000 }),
        warmUp: fc.integer({ min: 0, max: 60 }),
        window: fc.integer({ min: 1, max: 40 }),
        horizon: fc.integer({ min: 1, max: 30 }),
        shares: fc.tuple(fc.integer({ min: 1, max: 20 }), share, share),
      })
      .map(({ shares: [train, validation, test], ...rest }) => {
        const whole = train + validation + test;
        return demand({ ...rest, split: { train: train / whole, validation: validation / whole, test: test / whole } });
      });
    fc.assert(
      fc.property(anyDemand, (asked) => {
        let plan;
        try {
          plan = planSamples(asked);
        } catch (error) {
          const enough = Number(/at least (\d+) rows/.exec((error as DataInvalidError).message)?.[1]);
          expect(enough).toBeGreaterThan(asked.rows);
          expect(() => planSamples({ ...asked, rows: enough })).not.toThrow();
          return;
        }
        let earliest = asked.warmUp + asked.window - 1;
        for (const part of ['train', 'validation', 'test'] as const) {
          const { first, count } = plan[part];
          expect(count > 0).toBe(asked.split[part] > 0);
          if (count === 0) continue;
          expect(first).toBe(earliest);
          earliest = first + count + asked.horizon;
        }
        expect(earliest).toBe(asked.rows);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
