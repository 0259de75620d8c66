import { ContractApi } from './testing/contract-api.js';
import { checkpointView, ID } from './testing/fixtures.js';
import { ktrdr } from './testing/ktrdr-process.js';

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

describe('a verification', () => {
  it('is given the time that a large checkpoint takes', async () => {
    const { stdout } = await run('checkpoints', 'verify', '--help');
    expect(stdout).toMatch(/--timeout=<value>\s+\[default: 600\]/);
  });

  it('ends with 6 when a checkpoint is bad', async () => {
    const bad = { checkpoint_id: 'ck_01', valid: false, files_checked: 1, bytes_hashed: 3, bad_files: [] };
    api
      .answer('POST /checkpoints/ck_01/verify', bad)
      .answer(`GET /operations/${ID}/checkpoints`, { items: [checkpointView()] });
    expect((await run('checkpoints', 'verify', 'ck_01')).code).toBe(6);
    expect((await run('checkpoints', 'verify', '--operation', ID)).code).toBe(6);
  });
});
