import { ContractApi } from '../../testing/contract-api.js';
import { bulkItem, bulkView, ID } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const OTHER = 'op_training_20261122_101600_aaaaaa';

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

describe('--all', () => {
  it('previews with --dry-run and changes nothing', async () => {
    api.answer('POST /operations/resume', bulkView([bulkItem({ outcome: 'would-be-done' })], true));
    const filters = ['--status', 'paused,failed', '--text', 'sp500', '--label', 'owner=ada', '--label', 'team=x'];
    const { code, stdout } = await run('operations', 'resume', '--all', ...filters, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'OPERATION                           NAME             STATUS  RESUME',
        `${ID}  sp500 direction  paused  yes`,
        '',
        '1 would resume · nothing was changed',
        '',
      ].join('\n'),
    );
    expect(api.requests.map(({ body }) => body)).toEqual([
      {
        filter: { status: ['paused', 'failed'], text: 'sp500', labels: { owner: 'ada', team: 'x' } },
        dry_run: true,
        checkpoint: 'latest',
      },
    ]);
  });

  it('resumes each from one step', async () => {
    api.answer('POST /operations/resume', bulkView([bulkItem({ outcome: 'would-be-done' })], true));
    await run('operations', 'resume', '--all', '--status', 'paused', '--step', '1200', '--dry-run');
    expect(api.requests.map(({ body }) => body)).toMatchObject([{ checkpoint: 'step:1200' }]);
  });

  it('needs a yes where nobody can be asked, after showing what it is about', async () => {
    api.answer('POST /operations/cancel', bulkView([bulkItem({ outcome: 'would-be-done' })], true));
    const { code, stdout, stderr } = await run('operations', 'cancel', '--all', '--status', 'paused');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('1 would cancel');
    expect(stderr).toContain('Cancel this one? This needs a yes: repeat the command with --yes');
    expect(api.requests.map(({ body }) => (body as { dry_run: boolean }).dry_run)).toEqual([true]);
  });

  it('does it with --yes in one request', async () => {
    api.answer('POST /operations/pause', bulkView([bulkItem({ status: 'pausing' }), bulkItem()]));
    const flags = ['--parent', ID, '--type', 'training', '--cause', 'budget', '--reason', 'spent', '--yes'];
    const { code, stdout } = await run('operations', 'pause', '--all', ...flags);
    expect(code).toBe(0);
    expect(stdout).toContain('2 asked to pause\n');
    expect(api.requests.map(({ body }) => body)).toEqual([
      {
        filter: { parent_id: ID, type: 'training' },
        dry_run: false,
        boundary: 'step',
        cause: 'budget',
        reason: 'spent',
        timeout_seconds: null,
      },
    ]);
  });

  it('says how many more match than one request acts on', async () => {
    api.answer('POST /operations/pause', { ...bulkView([bulkItem()]), left_out: 1_234 });
    const { stdout } = await run('operations', 'pause', '--all', '--yes');
    expect(stdout).toContain('1 asked to pause · 1,234 more match and were left out: repeat the command for them\n');
  });

  it('ends with 1 when some were refused, and says why', async () => {
    const refused = bulkItem({
      operation_id: OTHER,
      name: 'second',
      status: 'completed',
      outcome: 'refused',
      code: 'illegal-transition',
      detail: 'It is completed',
    });
    api.answer('POST /operations/cancel', bulkView([bulkItem({ status: 'cancelled' }), refused]));
    const { code, stdout } = await run('operations', 'cancel', '--all', '--text', 's', '--yes');
    expect(code).toBe(1);
    expect(stdout).toBe(
      [
        'OPERATION                           NAME             STATUS     CANCEL',
        `${ID}  sp500 direction  cancelled  done`,
        `${OTHER}  second           completed  refused`,
        '',
        '1 asked to cancel · 1 refused',
        `  ${OTHER}  illegal-transition: It is completed`,
        '',
      ].join('\n'),
    );
  });

  it('ends with 0 when those that it does not touch have already ended, and names them as such', async () => {
    const over = bulkItem({ operation_id: OTHER, name: 'second', status: 'completed', outcome: 'passed-over' });
    const items = [
      bulkItem({ status: 'cancelling' }),
      over,
      over,
      { ...over, status: 'cancelled' as const },
      { ...over, status: 'failed' as const },
    ];
    api.answer('POST /operations/cancel', bulkView(items));
    const { code, stdout } = await run('operations', 'cancel', '--all', '--text', 's', '--yes');
    expect(code).toBe(0);
    expect(stdout).toContain(`${OTHER}  second           completed   passed over\n`);
    expect(stdout).toContain(
      '\n1 asked to cancel · 2 already completed, 1 already cancelled and 1 already failed, passed over\n',
    );
  });

  it('asks nothing when only such are left', async () => {
    const over = bulkItem({ status: 'completed', outcome: 'passed-over' });
    api.answer('POST /operations/resume', bulkView([over], true));
    const { code, stdout } = await run('operations', 'resume', '--all', '--text', 's');
    expect(code).toBe(0);
    expect(stdout).toContain('0 would resume · 1 already completed, passed over · nothing was changed\n');
  });

  it('is content when nothing matches', async () => {
    api.answer('POST /operations/resume', bulkView([], true));
    const { code, stdout } = await run('operations', 'resume', '--all', '--status', 'paused');
    expect([code, stdout]).toEqual([0, 'No operation matches; nothing was changed.\n']);
  });

  it('prints the answer of the API with --json', async () => {
    const view = bulkView([bulkItem({ outcome: 'would-be-done' })], true);
    api.answer('POST /operations/pause', view);
    const { stdout, stderr } = await run('operations', 'pause', '--all', '--status', 'running', '--dry-run', '--json');
    expect([JSON.parse(stdout), stderr]).toEqual([view, '']);
  });

  it('asks nobody with --json', async () => {
    const { code, stdout } = await run('operations', 'cancel', '--all', '--status', 'paused', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'request-invalid' });
    expect(api.requests).toEqual([]);
  });

  it('is not for one operation, and one operation takes no filters', async () => {
    const results = await Promise.all([
      run('operations', 'resume'),
      run('operations', 'resume', ID, '--all'),
      run('operations', 'pause', ID, '--status', 'running'),
      run('operations', 'cancel', ID, '--yes'),
      run('operations', 'cancel', ID, '--dry-run'),
      run('operations', 'pause', '--all', '--status', 'running', '--wait'),
      run('operations', 'resume', '--all', '--status', 'paused', '--epochs', '80'),
      run('operations', 'resume', '--all', '--label', 'owner'),
    ]);
    expect(results.map(({ code }) => code)).toEqual(results.map(() => 2));
    expect(api.requests).toEqual([]);
  });
});
