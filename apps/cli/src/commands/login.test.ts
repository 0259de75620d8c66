import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from '../testing/contract-api.js';
import { ktrdr } from '../testing/ktrdr-process.js';

let api: ContractApi;
let home: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  home = await mkdtemp(join(tmpdir(), 'ktrdr-home-'));
});
afterEach(async () => {
  await api.stop();
  await rm(home, { recursive: true });
});

describe('login', () => {
  const page = { items: [], next_cursor: null, total: 0, active: 0, by_status: {} };

  it('keeps a token that works, readable by its owner only, and later commands use it', async () => {
    api.answer('GET /operations', page);
    const env = { XDG_CONFIG_HOME: home };
    const { code, stdout } = await ktrdr(['login', '--url', api.url], { env, stdin: 'piped-token\n' });
    expect([code, stdout.includes(api.url)]).toEqual([0, true]);
    const path = join(home, 'ktrdr', 'login.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ url: api.url, token: 'piped-token' });
    expect((await ktrdr(['operations'], { env })).code).toBe(0);
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer piped-token',
      'Bearer piped-token',
    ]);
    // Flags win over the file, but its token is not shown to another address.
    expect((await ktrdr(['operations', '--api-token', 'flag'], { env })).code).toBe(0);
    expect(api.requests.at(-1)?.headers.authorization).toBe('Bearer flag');
    const elsewhere = await ktrdr(['operations', '--api-url', 'http://127.0.0.1:9'], { env });
    expect([elsewhere.code, elsewhere.stderr.includes('not for http://127.0.0.1:9')]).toEqual([7, true]);
  });

  it('does not keep a token that the API refuses', async () => {
    api.refuse('GET /operations', 401, 'unauthorized');
    const { code } = await ktrdr(['login', '--url', api.url, '--token', 'bad'], { env: { XDG_CONFIG_HOME: home } });
    expect(code).toBe(7);
    await expect(stat(join(home, 'ktrdr', 'login.json'))).rejects.toThrow('ENOENT');
  });
});
