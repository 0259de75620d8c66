import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerEvent } from '@ktrdr/contracts';
import type { StartControl } from '../control-queue.js';
import { prepareDataset } from '../data/prepared-dataset.js';
import { recordLoop, type RecordedLoop } from '../testing/recorded-loop.js';
import { tinySpec } from '../testing/tiny-dataset.js';
import { generateData } from './data-generation.js';

let loop: RecordedLoop;
beforeEach(async () => {
  loop = await recordLoop();
});
afterEach(() => loop.remove());

function startOf(spec: Record<string, unknown>): StartControl {
  return {
    type: 'start',
    operation_id: 'op_data_generation_20261122_101500_k3v9qa',
    attempt: 1,
    operation_type: 'data_generation',
    accepted_spec_sha256: [],
    spec: { version: 1, ...spec },
    spec_sha256: 'e'.repeat(64),
    data_file: null,
    spool_dir: loop.spoolDir,
    resume: null,
  };
}

const generate = (spec: Record<string, unknown>, ports = {}) => generateData(startOf(spec), { ...loop, ...ports });
const pricesFile = () => join(loop.told('saved').at(-1)!.dir, 'prices.csv');

describe('generated data', () => {
  it('is one positive price with four decimals a business day, beginning with the start price', async () => {
    await generate({ rows: 2_500, seed: 5, start_price: 42, start_date: '2000-01-01' });
    const [header, ...lines] = (await readFile(pricesFile(), 'utf8')).trimEnd().split('\n');
    expect(header).toBe('date,price');
    expect(lines).toHaveLength(2_500);
    expect(lines[0]).toBe('2000-01-03,42.0000');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d,\d+\.\d{4}$/);
  });

  it('has the volatility and the drift that were asked for', async () => {
    await generate({ rows: 50_001, annual_drift: 0.1, annual_volatility: 0.3, seed: 1 });
    const prices = (await readFile(pricesFile(), 'utf8'))
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[1]));
    const returns = prices.slice(1).map((price, index) => Math.log(price / prices[index]!));
    const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
    const variance = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / returns.length;
    expect(Math.sqrt(variance * 252)).toBeCloseTo(0.3, 2);
    expect(Math.abs(mean * 252 - (0.1 - 0.3 ** 2 / 2))).toBeLessThan(3 * (0.3 / Math.sqrt(50_000 / 252)));
  });

  it('is the same for the same spec, and begins like a longer one', async () => {
    await generate({ rows: 1_500, seed: 9 });
    const first = await readFile(pricesFile(), 'utf8');
    await loop.remove();
    loop = await recordLoop();
    await generate({ rows: 2_000, seed: 9, rows_per_second: 1e9 });
    expect((await readFile(pricesFile(), 'utf8')).startsWith(first)).toBe(true);
  });

  it('can be trained on', async () => {
    await generate({ rows: 300 });
    const dataset = await prepareDataset(tinySpec({ data: { source: pricesFile() } }), pricesFile());
    expect(dataset).toMatchObject({ rows: 300, fingerprint: loop.told('completed')[0]?.result['prices_sha256'] });
  });

  it('stays positive and finite however wild it gets', async () => {
    await generate({ rows: 20_000, annual_volatility: 5 });
    expect((await readFile(pricesFile(), 'utf8')).trimEnd()).toMatch(/,0\.0001$/);
    await loop.remove();
    loop = await recordLoop();
    await generate({ rows: 20_000, annual_volatility: 0, annual_drift: 1 });
    expect((await readFile(pricesFile(), 'utf8')).trimEnd()).toMatch(/,100000000000\.0000$/);
  });
});

describe('a data generation', () => {
  it('tells its start, its steps of 1,000 rows, the file as its final save, and the completion', async () => {
    let ms = 0;
    expect(await generate({ rows: 3_500 }, { now: () => (ms += 1_000) })).toBe('completed');
    expect(loop.events[0]).toMatchObject({ type: 'started', step: 0, steps: 4, epochs: 1, backend: null });
    expect(loop.events[0]).toMatchObject({ data_fingerprint: 'e'.repeat(64) });
    expect(loop.told('progress').map(({ step, steps }) => `${step}/${steps}`)).toEqual(['1/4', '2/4', '3/4', '4/4']);
    expect(loop.told('saved')).toMatchObject([{ kind: 'final', step: 4, epoch: 1, files: ['prices.csv'] }]);
    expect(loop.events.slice(-2).map(({ type }) => type)).toEqual(['saved', 'completed']);
    const bytes = await readFile(pricesFile());
    expect(loop.told('completed')[0]).toMatchObject({
      step: 4,
      result: {
        rows: 3_500,
        prices_sha256: createHash('sha256').update(bytes).digest('hex'),
        first_date: '2000-01-03',
        last_date: '2013-05-31',
        bytes: bytes.length,
      },
    });
    for (const event of loop.events) expect(TrainerEvent.safeParse(event).error).toBeUndefined();
  });

  it('stops within a step and leaves nothing behind', async () => {
    loop.react((event, requests) => {
      if (event.type === 'progress') requests.push({ type: 'stop', boundary: 'epoch', save: null });
    });
    expect(await generate({ rows: 1_000_000 })).toBe('stopped');
    expect(loop.events.at(-1)).toEqual({ type: 'stopped', step: 1, epoch: 0 });
    expect(await readdir(loop.spoolDir)).toEqual([]);
  });

  it('refuses to save, on request and for a stop, and goes on', async () => {
    loop.requests.push({ type: 'save', request_id: 'm', kind: 'manual' });
    loop.requests.push({ type: 'stop', boundary: 'step', save: { request_id: 'p', kind: 'pause' } });
    expect(await generate({ rows: 10 })).toBe('completed');
    expect(loop.told('save_failed').map(({ request_id }) => request_id)).toEqual(['m', 'p']);
    expect(loop.told('save_failed')[0]?.message).toContain('no checkpoints');
  });

  it('keeps to its rate, and a stop does not wait for it', async () => {
    let ms = 0;
    const clock = { now: () => ms, pause: (wait: number) => Promise.resolve(void (ms += wait)) };
    await generate({ rows: 100, rows_per_second: 50 }, clock);
    expect(ms).toBeGreaterThan(1_800);
    expect(ms).toBeLessThan(2_000);
  });

  it('does not let a stop wait for its rate', async () => {
    let ms = 0;
    const pause = (wait: number): Promise<void> => {
      ms += wait;
      loop.requests.push({ type: 'stop', boundary: 'step', save: null });
      return Promise.resolve();
    };
    expect(await generate({ rows: 100, rows_per_second: 0.001 }, { now: () => ms, pause })).toBe('stopped');
    expect(ms).toBeLessThan(100);
  });

  it.each([
    ['rows that reach beyond the calendar', { rows: 10_000_000 }, 'after the year 9999; at most 2087'],
    ['a field that is unknown', { rows: 10, colour: 'red' }, 'colour'],
  ])('refuses %s', async (_, spec, words) => {
    await expect(generate(spec)).rejects.toMatchObject({
      code: 'spec-invalid',
      message: expect.stringContaining(words),
    });
  });

  it('fails when its file cannot be written', async () => {
    await writeFile(join(loop.spoolDir, '000001-final-1.partial'), 'in the way');
    await expect(generate({ rows: 10 })).rejects.toMatchObject({ code: 'checkpoint-failed' });
    expect(loop.told('completed')).toEqual([]);
  });
});
