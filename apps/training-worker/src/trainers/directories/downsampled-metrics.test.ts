import { DownsampledMetrics } from './downsampled-metrics.js';

const reading = (step: number, epoch = 0, loss = step) => ({ step, epoch, metrics: { loss } });

it('keeps the last of each step and epoch', () => {
  const earlier = new DownsampledMetrics();
  for (const each of [reading(1, 0, 5), reading(1, 0, 4), reading(1, 1, 3), reading(2, 1, 2)]) earlier.add(each);
  expect(earlier.at(1)).toEqual(reading(1, 1, 3));
  expect(earlier.at(9)).toEqual(reading(2, 1, 2));
});

it('falls back to the oldest for what is older still', () => {
  const earlier = new DownsampledMetrics();
  expect(earlier.at(5)).toBeUndefined();
  earlier.add(reading(10, 3));
  expect(earlier.at(5)).toEqual(reading(10, 3));
});

it('is the coarser the older it is, and forgets nothing altogether', () => {
  const earlier = new DownsampledMetrics({ recent: 100, ofEachLevel: 20 });
  for (let step = 0; step < 100_000; step += 1) earlier.add(reading(step));
  const distanceAt = (step: number): number => step - (earlier.at(step)?.step ?? NaN);
  for (let age = 1; age <= 50; age += 1) expect(distanceAt(100_000 - age)).toBe(0);
  for (let age = 51; age <= 100_000; age += 1) {
    const distance = distanceAt(100_000 - age);
    if (!(distance >= 0 && distance <= age / 2)) throw new Error(`${distance} is far off for what is ${age} old`);
  }
  expect(earlier.at(0)).toEqual(reading(0));
});
