import { DirectoryProgress } from './directory-progress.js';
import type { Reading } from './log-reader.js';

const TOTALS = { steps: 100, epochs: 0 };

function reading(step: number, metrics: Reading['metrics'] = {}, epoch?: number): Reading {
  return { position: { step, ...(epoch === undefined ? {} : { epoch }) }, loss: 0.5, examplesPerSecond: null, metrics };
}

it('makes progress of what is printed, and metrics of what has other figures', () => {
  const progress = new DirectoryProgress({ step: 0, epoch: 0 }, TOTALS, () => 0);
  expect(progress.read(reading(3)).map(({ type }) => type)).toEqual(['progress']);
  expect(progress.read(reading(4, { val_loss: 1 }, 2))).toEqual([
    { type: 'progress', step: 4, epoch: 2, steps: 100, epochs: 0, loss: 0.5, examples_per_second: null },
    { type: 'metrics', step: 4, epoch: 2, values: { val_loss: 1 }, best: false },
  ]);
});

it('remembers what was said by the step of a checkpoint that is found later', () => {
  const progress = new DirectoryProgress({ step: 10, epoch: 1 }, TOTALS, () => 0);
  progress.read(reading(20, { val_loss: 3 }, 2));
  progress.read(reading(30, { val_loss: 2 }, 3));
  expect(progress.at(25)).toMatchObject({ epoch: 2, metrics: { val_loss: 3 } });
  expect(progress.at(10)).toMatchObject({ epoch: 1, metrics: {} });
  expect(progress.at(5)).toMatchObject({ epoch: 1, metrics: {} });
});

it('remembers it however fast lines come', () => {
  const progress = new DirectoryProgress({ step: 0, epoch: 0 }, TOTALS, () => 0);
  for (let step = 1; step <= 6_000; step += 1) progress.read(reading(step, { val_loss: step }, Math.ceil(step / 100)));
  expect(progress.at(1_000)).toMatchObject({ epoch: 10, metrics: { val_loss: 1_000 } });
});

it('leaves a position out that cannot be stored, and says so once', () => {
  const progress = new DirectoryProgress({ step: 7, epoch: 1 }, TOTALS, () => 0);
  const told = [...progress.read(reading(3_000_000_000)), ...progress.read(reading(8, {}, 3_000_000_000))];
  expect(told).toMatchObject([
    { type: 'warning', code: 'position-too-large', message: expect.stringContaining('the step 3000000000') },
    { type: 'progress', step: 7, epoch: 1 },
    { type: 'progress', step: 8, epoch: 1 },
  ]);
  expect(progress.read(reading(2_147_483_647))).toMatchObject([{ type: 'progress', step: 2_147_483_647 }]);
});

it('takes a checkpoint for a sign of life where nothing is printed', () => {
  const progress = new DirectoryProgress({ step: 0, epoch: 0 }, TOTALS);
  expect(progress.reachedByCheckpoint(20)).toMatchObject([{ type: 'progress', step: 20, steps: 100 }]);
  expect(progress.reachedByCheckpoint(20)).toEqual([]);
});

it('keeps ten metrics a second and says once that it leaves the rest out', () => {
  let now = 0;
  const progress = new DirectoryProgress({ step: 0, epoch: 0 }, TOTALS, () => now);
  const told = Array.from({ length: 30 }, (_, step) => progress.read(reading(step, { accuracy: 1 }))).flat();
  expect(told.filter(({ type }) => type === 'metrics')).toHaveLength(10);
  expect(told.filter(({ type }) => type === 'warning')).toHaveLength(1);
  now = 1_000;
  expect(progress.read(reading(31, { accuracy: 1 })).map(({ type }) => type)).toEqual(['progress', 'metrics']);
});
