import { Recorded } from './recorded.js';

it('is told at once, and then no sooner than its time, the last one too', () => {
  const times: (() => void)[] = [];
  const recorded = new Recorded((_ms, work) => times.push(work));
  let heard = 0;
  recorded.listen(() => (heard += 1));
  recorded.tell();
  expect(heard).toBe(1);
  recorded.tell();
  recorded.tell();
  expect(heard).toBe(1);
  times.shift()?.();
  expect(heard).toBe(2);
  times.shift()?.();
  expect([heard, times]).toEqual([2, []]);
  recorded.tell();
  expect(heard).toBe(3);
});
