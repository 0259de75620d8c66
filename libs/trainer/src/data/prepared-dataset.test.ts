import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrainingSpec } from '@ktrdr/specs';
import { type DatasetPart, type PreparedDataset, prepareDataset } from './prepared-dataset.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-data-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const spec = (change: object = {}) =>
  TrainingSpec.parse({
    version: 1,
    data: { source: 'prices.csv' },
    features: [{ kind: 'return' }, { kind: 'momentum', period: 3 }],
    model: { layers: [{ kind: 'dense', units: 4 }] },
    epochs: 1,
    ...change,
  });

const day = (index: number) => new Date(Date.UTC(2020, 0, 1 + index)).toISOString().slice(0, 10);
/** Ups and downs with no two days alike. */
const walk = (length: number) => Array.from({ length }, (_, index) => 100 + 20 * Math.sin(index * index) + index / 10);

let files = 0;
async function csvOf(prices: readonly number[]): Promise<string> {
  const file = join(folder, `prices-${(files += 1)}.csv`);
  await writeFile(file, ['date,price', ...prices.map((price, index) => `${day(index)},${price}`)].join('\n'));
  return file;
}
const prepared = async (prices: readonly number[], change: object = {}) =>
  prepareDataset(spec(change), await csvOf(prices));

function digest({ train, validation, test }: PreparedDataset): string {
  const hash = createHash('sha256');
  for (const { inputs, labels } of [train, validation, test]) hash.update(inputs).update(labels);
  return hash.digest('hex');
}
const numbers = ({ inputs, labels }: DatasetPart) => ({ inputs: [...inputs], labels: [...labels] });

describe('prepareDataset', () => {
  it('lays out samples as [count, window, features], oldest day first', async () => {
    const prices = [1, 2, 4, 8, 16, 32, 16, 8];
    const { train, featureNames, window, rows } = await prepared(prices, {
      features: [{ kind: 'momentum', period: 1 }, { kind: 'return' }],
      window: 2,
      normalization: 'none',
      split: { train: 1, validation: 0, test: 0 },
    });
    expect({ featureNames, window, rows }).toEqual({ featureNames: ['momentum-1', 'return-1'], window: 2, rows: 8 });
    // sample days are rows 2 … 6; returns are +100 % until row 5 and -50 % after it
    const [up, down] = [
      [1, Math.fround(Math.LN2)],
      [-0.5, -Math.fround(Math.LN2)],
    ] as const;
    expect([...train.inputs]).toEqual([up, up, up, up, up, up, up, up, up, down].flat());
    expect(train.inputs).toHaveLength(train.count * 2 * 2);
    expect([...train.labels]).toEqual([1, 1, 1, 0, 0]);
    expect([train.firstDate, train.lastDate]).toEqual(['2020-01-03', '2020-01-07']);
  });

  it('labels by the forward return over the horizon, which must exceed the threshold', async () => {
    const { train } = await prepared([100, 100, 100, 101, 102, 101, 105, 100], {
      features: [{ kind: 'return' }],
      label: { horizon: 2, threshold: 0.01 },
      split: { train: 1, validation: 0, test: 0 },
    });
    // days 1 … 5 look at 101 (exactly 1 % up: not above), 102, 101, 105, 100
    expect([...train.labels]).toEqual([0, 1, 0, 1, 0]);
  });

  it('scales with figures of the training part', async () => {
    const { train } = await prepared(walk(200), { split: { train: 0.5, validation: 0.25, test: 0.25 } });
    const first = [...train.inputs].filter((_, index) => index % 2 === 0);
    const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
    const variance = first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / first.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(variance).toBeCloseTo(1, 5);
  });

  it('turns a constant feature into zeros', async () => {
    const { train, test } = await prepared(new Array<number>(60).fill(0.1));
    expect([...train.inputs, ...test.inputs].every((value) => value === 0)).toBe(true);
  });

  it('leaves parts empty whose share is 0', async () => {
    const { validation, test } = await prepared(walk(60), { split: { train: 1, validation: 0, test: 0 } });
    for (const part of [validation, test])
      expect(part).toEqual({
        count: 0,
        inputs: new Float32Array(0),
        labels: new Float32Array(0),
        firstDate: '',
        lastDate: '',
      });
  });

  it('gives the same bytes every time, and other bytes for other data', async () => {
    const [one, two, other] = [
      await prepared(walk(120)),
      await prepared(walk(120)),
      await prepared(walk(121).slice(1)),
    ];
    expect(digest(one)).toBe(digest(two));
    expect(one.fingerprint).toBe(two.fingerprint);
    expect(digest(other)).not.toBe(digest(one));
    expect(other.fingerprint).not.toBe(one.fingerprint);
  });

  it('refuses prices whose features no float32 holds, naming the row', async () => {
    const prices = walk(60).map((price, index) => (index < 40 ? price : price * 1e300));
    await expect(prepared(prices)).rejects.toMatchObject({
      code: 'data-invalid',
      details: { file: 'prices.csv', row: 42 },
    });
  });

  it('refuses too few rows, and samples beyond its memory limit', async () => {
    await expect(prepared(walk(8))).rejects.toThrow(/8 rows are too few/);
    const features = Array.from({ length: 64 }, (_, index) => ({ kind: 'return', period: index + 1 }));
    const wide = prepared(walk(17_500), { features, window: 512 });
    await expect(wide).rejects.toThrow(/GiB.*lower the window/);
  });
});

describe.each(['standard', 'minmax', 'none'])('with %s normalization', (normalization) => {
  const change = { normalization, window: 4, label: { horizon: 3 } };

  it('no price of a later part reaches an earlier one', async () => {
    const prices = walk(150);
    const before = await prepared(prices, change);
    const rowOf = (date: string) => prices.findIndex((_, index) => day(index) === date);
    const crashFrom = (date: string) =>
      prepared(
        prices.map((price, index) => (index < rowOf(date) ? price : 1 / (1 + index))),
        change,
      );

    const changedTest = await crashFrom(before.test.firstDate);
    expect(numbers(changedTest.train)).toEqual(numbers(before.train));
    expect(numbers(changedTest.validation)).toEqual(numbers(before.validation));
    expect(numbers(changedTest.test)).not.toEqual(numbers(before.test));

    const changedValidation = await crashFrom(before.validation.firstDate);
    expect(numbers(changedValidation.train)).toEqual(numbers(before.train));
    expect(numbers(changedValidation.validation)).not.toEqual(numbers(before.validation));
  });
});

describe('sources', () => {
  it('names a file that is not there', async () => {
    const missing = join(folder, 'nowhere.csv');
    await expect(prepareDataset(spec(), missing)).rejects.toMatchObject({
      code: 'data-not-found',
      message: `No data for prices.csv: there is no file ${missing} on this worker`,
      details: { source: 'prices.csv' },
    });
  });

  it('does not take a folder for a file', async () => {
    await expect(prepareDataset(spec(), folder)).rejects.toThrow(/is a folder/);
  });

  it('needs a local file for everything but a built-in dataset', async () => {
    await expect(prepareDataset(spec(), null)).rejects.toMatchObject({ code: 'data-not-found' });
  });
});

describe('dataset:sp500', () => {
  const builtIn = (change: object = {}) =>
    prepareDataset(spec({ data: { source: 'dataset:sp500' }, features: EVERY_FEATURE, window: 3, ...change }), null);
  const EVERY_FEATURE = ['return', 'volatility', 'sma-ratio', 'ema-ratio', 'rsi', 'macd', 'bollinger', 'momentum'].map(
    (kind) => ({ kind }),
  );

  it('is the S&P 500 of 2000 to 2020, all of it finite', async () => {
    const { train, validation, test, rows, source, fingerprint } = await builtIn();
    expect({ rows, source }).toEqual({ rows: 5105, source: 'dataset:sp500' });
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    // 33 rows of warm-up, 2 of window, 1 of horizon, 2 gaps
    expect(train.count + validation.count + test.count).toBe(5105 - 33 - 2 - 1 - 2);
    expect([train.firstDate, test.lastDate]).toEqual(['2000-02-23', '2020-04-16']);
    for (const { inputs, labels } of [train, validation, test]) {
      expect(inputs.every(Number.isFinite)).toBe(true);
      expect(labels.every((label) => label === 0 || label === 1)).toBe(true);
    }
  });

  it('reads the close unless the spec names another column', async () => {
    const close = await builtIn();
    const named = (price_column: string) => builtIn({ data: { source: 'dataset:sp500', price_column } });
    expect(digest(await named('close'))).toBe(digest(close));
    expect(digest(await named('open'))).not.toBe(digest(close));
    await expect(named('last')).rejects.toMatchObject({ code: 'data-invalid', details: { column: 'last' } });
  });

  it('gives the numbers that earlier checkpoints were trained on', async () => {
    expect(digest(await builtIn())).toBe('214797174e7dc7a799db0674779af463579644ee04336fe7a2fafd724edfa68e');
  });
});
