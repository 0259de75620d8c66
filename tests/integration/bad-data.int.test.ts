import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectStore } from '@ktrdr/checkpoint';
import { openObjectStore } from '@ktrdr/object-store';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const HEADER = 'date,price';
const ROWS = 400;
/** Line of the file that a test damages; the header is line 1. */
const BAD_ROW = 201;

function dateOf(day: number): string {
  return new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10);
}

/** A random walk that is the same every time. */
function soundLines(): string[] {
  let price = 100;
  const days = Array.from({ length: ROWS }, (_, day) => {
    price *= 1 + Math.sin(day * 12.9898) / 50;
    return `${dateOf(day)},${price.toFixed(4)}`;
  });
  return [HEADER, ...days];
}

function withRow(change: (line: string, before: string) => string): string {
  const lines = soundLines();
  lines[BAD_ROW - 1] = change(lines[BAD_ROW - 1] ?? '', lines[BAD_ROW - 2] ?? '');
  return lines.join('\n');
}

interface Failure {
  readonly code: string;
  /** All of it is in the message, where a person looks. */
  readonly says: readonly string[];
  readonly details?: Record<string, unknown>;
}

const at = (column: string) => ({ row: BAD_ROW, column });

const CASES: readonly [string, string | null, Failure][] = [
  ['is missing', null, { code: 'data-not-found', says: ['there is no such file'] }],
  ['is empty', '', { code: 'data-invalid', says: ['the file is empty'] }],
  ['has only a header', `${HEADER}\n`, { code: 'data-invalid', says: ['a header but no rows'] }],
  ['has too few rows', soundLines().slice(0, 12).join('\n'), { code: 'data-invalid', says: ['row'] }],
  ['has no such column', 'day,close\n2020-01-01,1', { code: 'data-invalid', says: ['column date', '"close"'] }],
  [
    'has a price that is no number',
    withRow((line) => line.replace(/,.*/, ',NaN')),
    { code: 'data-invalid', says: [`row ${BAD_ROW}`, 'column price', 'NaN'], details: at('price') },
  ],
  [
    'has a price of zero',
    withRow((line) => line.replace(/,.*/, ',0')),
    { code: 'data-invalid', says: [`row ${BAD_ROW}`, 'column price'], details: at('price') },
  ],
  [
    'is not sorted by date',
    withRow((line) => line.replace(/^[^,]*/, dateOf(3))),
    { code: 'data-invalid', says: [`row ${BAD_ROW}`, 'column date', 'sort'], details: at('date') },
  ],
  [
    'has a day twice',
    withRow((line, before) => line.replace(/^[^,]*/, before.split(',')[0] ?? '')),
    { code: 'data-invalid', says: [`row ${BAD_ROW}`, 'column date', 'twice'], details: at('date') },
  ],
];

describe('data that cannot be trained on', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let data: string;
  let bucket: string;
  /** The bucket that data can be in. */
  let objects: ObjectStore;

  beforeAll(async () => {
    const own = await givenServices();
    const s3 = await own.s3();
    const address = new URL(s3.url);
    bucket = address.hostname;
    objects = openObjectStore(`s3://${bucket}${address.search}`, {
      credentials: {
        accessKeyId: s3.env['KTRDR_S3_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: s3.env['KTRDR_S3_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    services = { ...own, objectStoreUrl: s3.url };
    data = join(services.folder, 'data');
    await mkdir(data);
    api = await startApi(services, { env: s3.env });
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1', env: { ...s3.env, KTRDR_DATA_ROOTS: data } });
  });
  afterAll(() => services.close());

  const submit = (source: string, overrides: Record<string, unknown> = {}) =>
    training.submit({ name: source, spec: smallSpec({ data: { source }, epochs: 1, batch_size: 32, ...overrides }) });

  const expectFailure = async (id: string, { code, says, details = {} }: Failure, file: string) => {
    const { status, error, attempt, allowed_actions } = await training.settled(id);
    expect({ status, attempt }).toEqual({ status: 'failed', attempt: 1 });
    expect(allowed_actions).toContain('resume');
    expect(error).toMatchObject({ code, details });
    for (const words of [file, ...says]) expect(error.message).toContain(words);
  };

  it.each(CASES)(
    'fails an operation whose file %s, and trains it once that is mended',
    async (_name, content, failure) => {
      const file = join(data, 'prices.csv');
      await rm(file, { force: true });
      if (content !== null) await writeFile(file, content);
      const id = await submit(file);
      await expectFailure(id, failure, file);
      await writeFile(file, soundLines().join('\n'));
      expect(await http.post(`/operations/${id}/resume`)).toMatchObject({ status: 202, body: { resumed_from: null } });
      expect(await training.completed(id)).toMatchObject({ attempt: 2, error: null });
    },
  );

  it('fails an operation whose file is outside the data roots, a link from inside included', async () => {
    const outside = join(services.folder, 'outside.csv');
    await writeFile(outside, soundLines().join('\n'));
    const link = join(data, 'link.csv');
    await symlink(outside, link);
    for (const source of [outside, link, `file://${outside}`, '../outside.csv']) {
      await expectFailure(await submit(source), { code: 'data-not-found', says: ['KTRDR_DATA_ROOTS'] }, source);
    }
  });

  it('fails an operation whose object is missing, and an object that has come is trained on', async () => {
    const missing = `s3://${bucket}/prices/nothing.csv`;
    const id = await submit(missing);
    await expectFailure(id, { code: 'data-not-found', says: ['prices/nothing.csv'] }, missing);
    await objects.put('prices/nothing.csv', Buffer.from(soundLines().join('\n')));
    expect(await http.post(`/operations/${id}/resume`)).toMatchObject({ status: 202 });
    expect(await training.completed(id)).toMatchObject({ attempt: 2, error: null });
    await expectFailure(await submit('s3://'), { code: 'data-not-found', says: ['s3://bucket/key'] }, 's3://');
  });

  it('does not take figures that are no numbers for success', async () => {
    const id = await submit('dataset:sp500', {
      epochs: 5,
      normalization: 'none',
      features: [
        { kind: 'momentum', period: 20 },
        { kind: 'macd', fast: 12, slow: 26, signal: 9 },
        { kind: 'rsi', period: 14 },
      ],
      model: { layers: Array.from({ length: 4 }, () => ({ kind: 'dense', units: 32, activation: 'linear' })) },
      optimizer: { kind: 'sgd', learning_rate: 100 },
      checkpoint: { every_steps: 1 },
    });
    const view = await training.settled(id);
    expect(view).toMatchObject({ status: 'failed', result: null, error: { code: 'training-diverged' } });
    expect(view['error'].message).toMatch(/step \d+ \(epoch \d+\).*learning rate/);
    const { items } = (await http.get(`/operations/${id}/checkpoints`)).body as { items: { step: number }[] };
    expect(items.every(({ step }) => step < (view['error'].details.step as number))).toBe(true);
  });

  it('leaves the worker of use', async () => {
    await training.completed(await submit('dataset:sp500'));
  });
});
