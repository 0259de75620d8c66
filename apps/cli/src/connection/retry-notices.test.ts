import { retryNotices } from './retry-notices.js';

it('tells once why a call is tried again, then at growing intervals for how much longer', () => {
  const said: string[] = [];
  let now = 0;
  const tell = retryNotices({ say: (line) => void said.push(line), now: () => now });
  const error = new Error('Cannot reach the API at http://x: connection refused. Is it running?');
  for (now of [0, 250, 700, 1_500, 3_400, 5_000, 7_500, 11_500]) tell(error, 15_000 - now);
  expect(said).toEqual([
    'Cannot reach the API at http://x: connection refused; trying again …',
    'still trying, 14 s left …',
    'still trying, 10 s left …',
    'still trying, 4 s left …',
  ]);
});
