import { ContractApi } from './testing/contract-api.js';
import { ID } from './testing/fixtures.js';
import { ktrdr } from './testing/ktrdr-process.js';
import { withWaitNotices } from './wait-notices.js';

const ADDRESS = 'http://127.0.0.1:8080/operations?limit=1';

function given(send: () => Promise<Response>) {
  const said: string[] = [];
  const call = withWaitNotices({ send, say: (line) => void said.push(line), timeoutMs: 15_000, patienceMs: 5 });
  return { said, call };
}

describe('a call', () => {
  it('that is not answered soon is told of, once, with the address that it waits for', async () => {
    const answer = Promise.withResolvers<Response>();
    const { said, call } = given(() => answer.promise);
    const calling = call(ADDRESS);
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    answer.resolve(new Response('{}'));
    await calling;
    expect(said).toEqual(['still waiting for an answer from http://127.0.0.1:8080, for 15 s at most …']);
  });

  it('that is answered or fails at once is not', async () => {
    const { said, call } = given(() => Promise.resolve(new Response('{}')));
    await call(ADDRESS);
    await expect(given(() => Promise.reject(new Error('refused'))).call(ADDRESS)).rejects.toThrow('refused');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(said).toEqual([]);
  });

  it('that hangs is told of on standard error, though that is no terminal', async () => {
    const api = await new ContractApi().start();
    api.on(`GET /operations/${ID}`, () => undefined);
    const env = { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' };
    const { code, stdout, stderr } = await ktrdr(['operations', 'show', ID, '--timeout', '3'], { env });
    await api.stop();
    expect([code, stdout]).toEqual([5, '']);
    expect(stderr).toMatch(new RegExp(`^still waiting for an answer from ${api.url}, for 3 s at most …\nCannot reach`));
  });
});
