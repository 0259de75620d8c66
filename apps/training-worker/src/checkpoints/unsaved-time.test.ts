import { UnsavedTime } from './unsaved-time.js';

it('is from the state that is safe to the commit of the next, and up to now', () => {
  const clock = { ms: 1_000 };
  const unprotected = new UnsavedTime(() => clock.ms);
  clock.ms = 4_000;
  expect(unprotected.longestSeconds).toBe(3);
  clock.ms = 5_000;
  unprotected.committed(4_500);
  expect(unprotected.longestSeconds).toBe(4);
  clock.ms = 8_000;
  unprotected.committed(7_900);
  expect(unprotected.longestSeconds).toBe(4);
  clock.ms = 12_900;
  expect(unprotected.longestSeconds).toBe(5);
});

it('is not shortened by an older state that is committed later', () => {
  const clock = { ms: 0 };
  const unprotected = new UnsavedTime(() => clock.ms);
  clock.ms = 2_000;
  unprotected.committed(1_900);
  unprotected.committed(500);
  clock.ms = 2_900;
  expect(unprotected.longestSeconds).toBe(2);
});
