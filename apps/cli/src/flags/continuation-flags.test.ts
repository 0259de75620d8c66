import { ContractApi } from '../testing/contract-api.js';
import { ID, operationView, resumedView } from '../testing/fixtures.js';
import { ktrdr } from '../testing/ktrdr-process.js';

const SPEC = {
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return', period: 1 }],
  model: { layers: [{ kind: 'dense', units: 8 }] },
  epochs: 50,
  early_stopping: { patience: 9, min_delta: 0.01 },
  checkpoint: { every_epochs: 1, keep_last: 7 },
};

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
  api.answer(`GET /operations/${ID}`, operationView({ spec: SPEC, overrides: { epochs: 60 } }));
  api.answer(`POST /operations/${ID}/resume`, resumedView(), 202);
});
afterEach(() => api.stop());

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

async function overridesOf(...flags: string[]): Promise<unknown> {
  expect((await run('operations', 'resume', ID, ...flags)).code).toBe(0);
  const { body } = await api.received(`POST /operations/${ID}/resume`);
  return (body as { overrides: unknown }).overrides;
}

describe('resume with changes', () => {
  it('sends numbers without reading anything', async () => {
    const flags = ['--epochs', '80', '--learning-rate', '3e-4', '--batch-size', '16', '--no-early-stopping'];
    expect(await overridesOf(...flags)).toEqual({
      epochs: 80,
      learning_rate: 0.0003,
      batch_size: 16,
      early_stopping: null,
    });
    expect(api.requests).toHaveLength(1);
  });

  it('keeps what the flags do not say of early stopping', async () => {
    expect(await overridesOf('--early-stopping-patience', '5')).toEqual({
      early_stopping: { patience: 5, min_delta: 0.01 },
    });
  });

  it('replaces the rhythm of the checkpoints, and not how many are kept', async () => {
    expect(await overridesOf('--checkpoint-every-seconds', '0.5')).toEqual({
      checkpoint: { every_seconds: 0.5, keep_last: 7 },
    });
  });

  it('shows what they change', async () => {
    const changes = [
      { path: 'epochs', from: 50, to: 80 },
      { path: 'optimizer.learning_rate', from: 0.001, to: 0.00003 },
      { path: 'early_stopping', from: null, to: { patience: 5, min_delta: 0 } },
    ];
    api.answer(`POST /operations/${ID}/resume`, resumedView({ changes, dry_run: true }), 202);
    const { stdout } = await run('operations', 'resume', ID, '--epochs', '80', '--checkpoint', 'best', '--dry-run');
    expect(stdout).toContain(
      [
        '  changed   epochs 50 → 80',
        '            optimizer.learning_rate 0.001 → 0.00003',
        '            early_stopping none → (patience 5, min_delta 0)',
        `  resume    ktrdr operations resume ${ID} --checkpoint best --epochs 80`,
        '',
      ].join('\n'),
    );
  });

  it('keeps them in the command that accepts a fallback', async () => {
    const fallback = { checkpoint_id: 'ck_01', step: 1, epoch: 1 };
    const fields = { operation_id: ID, bad_files: [], fallback, lost_steps: 2 };
    api.refuse(`POST /operations/${ID}/resume`, 422, 'checkpoint-corrupted', fields);
    const { code, stderr } = await run('operations', 'resume', ID, '--epochs', '80', '--no-early-stopping');
    expect(code).toBe(6);
    expect(stderr).toContain(`ktrdr operations resume ${ID} --epochs 80 --no-early-stopping --allow-fallback`);
  });

  it('are refused where they are no numbers or contradict each other', async () => {
    const results = await Promise.all([
      run('operations', 'resume', ID, '--epochs', 'many'),
      run('operations', 'resume', ID, '--early-stopping-patience', '3', '--no-early-stopping'),
    ]);
    expect(results.map(({ code }) => code)).toEqual([2, 2]);
    expect(results[0]?.stderr).toContain('--epochs many is not a number');
    expect(api.requests).toEqual([]);
  });
});
