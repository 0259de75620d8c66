import { ContractApi } from '../../testing/contract-api.js';
import { ID, resumedView } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const RESUME = `POST /operations/${ID}/resume`;

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const resume = (...args: string[]) =>
  ktrdr(['operations', 'resume', ID, ...args], { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

describe('a deep rehearsal of a resume', () => {
  it('asks for every byte, and says that it was hashed', async () => {
    api.answer(RESUME, resumedView({ dry_run: true }), 202);
    const { code, stdout } = await resume('--dry-run', '--deep');
    expect([code, api.requests[0]?.body]).toEqual([0, expect.objectContaining({ dry_run: true, deep: true })]);
    expect(stdout).toContain('  hashed   every byte of it\n');
  });

  it('is no part of a rehearsal that does not ask for it', async () => {
    api.answer(RESUME, resumedView({ dry_run: true }), 202);
    const { stdout } = await resume('--dry-run');
    expect(api.requests[0]?.body).not.toHaveProperty('deep');
    expect(stdout).not.toContain('hashed');
  });

  it('is waited for as long as a large checkpoint takes, and says what takes so long', async () => {
    api.on(RESUME, (_request, response) => {
      setTimeout(() => {
        response.writeHead(202, { 'content-type': 'application/json' });
        response.end(JSON.stringify(resumedView({ dry_run: true })));
      }, 2_500);
    });
    const { code, stderr } = await resume('--dry-run', '--deep');
    expect([code, stderr]).toEqual([0, `still waiting for ${api.url} to hash every byte, for 598 s more at most …\n`]);
  });

  it('is waited for no longer than is said', async () => {
    api.on(RESUME, () => undefined);
    const { code, stderr } = await resume('--dry-run', '--deep', '--timeout', '1');
    expect(code).toBe(5);
    expect(stderr).toContain('gave no answer within 1 s');
  });

  it('is refused where something would be changed, and for several at once', async () => {
    const [real, all] = await Promise.all([
      resume('--deep'),
      ktrdr(['operations', 'resume', '--all', '--status', 'paused', '--dry-run', '--deep']),
    ]);
    expect([real.code, all.code]).toEqual([2, 2]);
    expect(real.stderr).toContain('--dry-run');
    expect(all.stderr).toContain('--all');
    expect(api.requests).toEqual([]);
  });
});
