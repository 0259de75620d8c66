import { ContractApi } from '../../testing/contract-api.js';
import { ID, resumedView } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const RESUME = `POST /operations/${ID}/resume`;

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const run = (...args: string[]) =>
  ktrdr(['operations', 'resume', ID, ...args], { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

describe('a resume from a step', () => {
  it.each([
    ['--step 1200', '--step 1200'],
    ['--checkpoint step:1200', '--checkpoint step:1200'],
  ])('is asked for with %s, and rehearsed with the command that does it', async (flags, again) => {
    api.answer(RESUME, resumedView({ status: 'paused', dry_run: true }), 202);
    const { code, stdout } = await run(...flags.split(' '), '--epochs', '80', '--dry-run');
    expect(code).toBe(0);
    expect((await api.received(RESUME)).body).toMatchObject({ checkpoint: 'step:1200', dry_run: true });
    expect(stdout).toContain(`ktrdr operations resume ${ID} ${again} --epochs 80\n`);
  });

  it('that none was saved at names those next to it, with the other choices', async () => {
    const detail = `Operation ${ID} has no checkpoint (step:1200) to resume from; the nearest: step:1100 and step:1300`;
    api.refuse(RESUME, 404, 'checkpoint-not-found', { detail, operation_id: ID, nearest_steps: [1100, 1300] });
    const { code, stderr } = await run('--step', '1200', '--epochs', '80');
    expect(code).toBe(3);
    expect(stderr).toBe(
      [
        detail,
        `  next   ktrdr operations resume ${ID} --step 1100 --epochs 80`,
        `         ktrdr operations resume ${ID} --step 1300 --epochs 80`,
        '',
      ].join('\n'),
    );
  });

  it('whose checkpoint is damaged keeps the step in the command that falls back', async () => {
    const fallback = { checkpoint_id: 'ck_00', step: 1100, epoch: 0 };
    api.refuse(RESUME, 422, 'checkpoint-corrupted', { operation_id: ID, checkpoint_id: 'ck_01', fallback });
    const { code, stderr } = await run('--step', '1200');
    expect(code).toBe(6);
    expect(stderr).toContain(`ktrdr operations resume ${ID} --step 1200 --allow-fallback\n`);
  });

  it('is one choice, and a whole number', async () => {
    const refused = await Promise.all([
      run('--step', '1200', '--checkpoint', 'best'),
      run('--step', '-1'),
      run('--step', '1.5'),
      run('--step', '9007199254740992'),
    ]);
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    expect(api.requests).toEqual([]);
  });
});
