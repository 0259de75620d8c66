import { ContractApi } from '../testing/contract-api.js';
import { ID } from '../testing/fixtures.js';
import { ktrdr } from '../testing/ktrdr-process.js';
import { retryNotices, waitNotices } from './timeouts.js';

describe('a call that is not answered', () => {
  it('is told of with the address and the time for which it is still waited for', () => {
    const said: string[] = [];
    const onSlow = waitNotices({ url: 'http://127.0.0.1:8080/ktrdr', say: (line) => void said.push(line) });
    onSlow(12_960);
    onSlow(200);
    expect(said).toEqual([
      'still waiting for an answer from http://127.0.0.1:8080, for 13 s more at most …',
      'still waiting for an answer from http://127.0.0.1:8080, for 1 s more at most …',
    ]);
  });

  it('is told of on standard error, though that is no terminal', async () => {
    const api = await new ContractApi().start();
    api.on(`GET /operations/${ID}`, () => undefined);
    const env = { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' };
    const { code, stdout, stderr } = await ktrdr(['operations', 'show', ID, '--timeout', '3'], { env });
    await api.stop();
    expect([code, stdout]).toEqual([5, '']);
    expect(stderr).toMatch(
      new RegExp(
        `^still waiting for an answer from ${api.url}, for 1 s more at most …\nThe API at ${api.url} gave no answer within 3 s: it may still be working. Give it more time with --timeout,`,
      ),
    );
  });
});

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
