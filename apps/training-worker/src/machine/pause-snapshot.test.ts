import { PauseSnapshot } from './pause-snapshot.js';
import { InMemoryMeter } from '../testing/in-memory-ports.js';

const GONE = { isGone: true, examplesPerSecond: null };

it('is null when nothing was measured', async () => {
  expect(await new PauseSnapshot(new InMemoryMeter(), { pid: 1 }).result(GONE)).toBeNull();
});

it('measures again when the end of the epoch came later than the wish for it', async () => {
  const meter = new InMemoryMeter();
  const clock = { ms: 0 };
  const snapshot = new PauseSnapshot(meter, { pid: 1 }, () => clock.ms);
  snapshot.measure();
  clock.ms += 999;
  snapshot.measure();
  expect(meter.readings).toBe(1);
  clock.ms += 1;
  meter.reading = { ...meter.reading, cpu_percent: 75 };
  snapshot.measure();
  expect(await snapshot.result(GONE)).toMatchObject({ cpu_percent: 75, trainer_memory_bytes: 3 });
});

it('keeps the trainer’s last memory when it is already gone at the second look', async () => {
  const meter = new InMemoryMeter();
  const looks = [7_000, null];
  const snapshot = new PauseSnapshot(Object.assign(meter, { processMemory: () => looks.shift() ?? null }), { pid: 1 });
  snapshot.measure();
  snapshot.measure();
  expect(await snapshot.result({ isGone: false, examplesPerSecond: 5 })).toMatchObject({
    trainer_memory_bytes: 7_000,
    trainer_gone: false,
    examples_per_second: 5,
  });
});
