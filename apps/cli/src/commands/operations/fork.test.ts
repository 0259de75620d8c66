import type { ForkedView } from '@ktrdr/contracts';
import { renderForked, renderResumed } from '../../render/continuation.js';
import { renderOperation } from '../../render/operation-detail.js';
import { ContractApi } from '../../testing/contract-api.js';
import { checkpointSummary, ID, NOW, operationView, resumedView, plainText } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const FORK = 'op_training_20261122_101600_fork00';
const lines = (...expected: string[]) => expected.join('\n');

function forkedView(changes: Partial<ForkedView> = {}): ForkedView {
  return {
    operation_id: FORK,
    name: 'longer',
    status: 'queued',
    queue_position: 1,
    no_fitting_worker: null,
    forked_from: { ...checkpointSummary({ checkpoint_type: 'final' }), operation_id: ID, status: 'completed' },
    lost_steps: 0,
    fell_back_from: null,
    changes: [{ path: 'epochs', from: 25, to: 80 }],
    guarantee: { level: 'bit-exact', detail: 'equal' },
    drift: [],
    dry_run: false,
    ...changes,
  };
}

describe('the fork command', () => {
  let api: ContractApi;
  beforeEach(async () => {
    api = await new ContractApi().start();
  });
  afterEach(() => api.stop());

  const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

  it('asks for a new operation with what was chosen, and prints the answer as JSON when told to', async () => {
    api.answer(`POST /operations/${ID}/fork`, forkedView(), 201);
    const flags = [
      '--epochs',
      '80',
      '--checkpoint',
      'best',
      '--name',
      'longer',
      '--label',
      'a=b',
      '--allow-backend-change',
    ];
    const { code, stdout } = await run('operations', 'fork', ID, ...flags, '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, forkedView()]);
    expect((await api.received(`POST /operations/${ID}/fork`)).body).toEqual({
      checkpoint: 'best',
      overrides: { epochs: 80 },
      allow_backend_change: true,
      name: 'longer',
      labels: { a: 'b' },
    });
  });

  it('suggests the same fork with its choices where a fallback is needed', async () => {
    const problem = {
      type: 'urn:ktrdr:problem:checkpoint-corrupted',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'checkpoint-corrupted',
      detail: 'Checkpoint ck_01 is corrupted',
      operation_id: ID,
      checkpoint_id: 'ck_01',
      fallback: { checkpoint_id: 'ck_00', step: 1, epoch: 0 },
    };
    api.answer(`POST /operations/${ID}/fork`, problem, 422);
    const { code, stderr } = await run('operations', 'fork', ID, '--epochs', '80');
    expect(code).toBe(6);
    expect(stderr).toContain(`ktrdr operations fork ${ID} --epochs 80 --allow-fallback`);
  });

  it('chooses by step, and suggests the nearest ones with its choices where there is none', async () => {
    const fields = { operation_id: ID, possible_reasons: ['it was deleted'], nearest_steps: [1100, 1300] };
    api.refuse(`POST /operations/${ID}/fork`, 404, 'checkpoint-not-found', fields);
    const flags = ['--step', '1200', '--epochs', '80', '--name', 'longer'];
    const { code, stderr } = await run('operations', 'fork', ID, ...flags);
    expect(code).toBe(3);
    expect((await api.received(`POST /operations/${ID}/fork`)).body).toMatchObject({ checkpoint: 'step:1200' });
    expect(stderr).toContain(`ktrdr operations fork ${ID} --step 1100 --epochs 80 --name "longer"\n`);
    expect(stderr).toContain(`ktrdr operations fork ${ID} --step 1300 --epochs 80 --name "longer"\n`);
  });

  it('sends a budget in place of the present rhythm', async () => {
    api.answer(`GET /operations/${ID}`, operationView());
    api.answer(`POST /operations/${ID}/fork`, forkedView(), 201);
    await run('operations', 'fork', ID, '--overhead-budget', '0.02', '--max-loss-seconds', '60');
    expect((await api.received(`POST /operations/${ID}/fork`)).body).toMatchObject({
      overrides: { checkpoint: { overhead_budget: 0.02, max_loss_seconds: 60 } },
    });
  });
});

describe('a fork', () => {
  it('reads like a resume, with what it was made from', () => {
    expect(plainText(renderForked(forkedView(), NOW))).toBe(
      lines(
        `Forked ${FORK}`,
        '  name      longer',
        '  status    queued (1st in queue)',
        `  from      epoch 25, step 1,400 (final checkpoint of 2 minutes ago) of ${ID}, which is completed`,
        '  changed   epochs 25 → 80',
        `  watch     ktrdr operations watch ${FORK}`,
      ),
    );
  });

  it('is rehearsed with the command that makes it', () => {
    const rehearsed = forkedView({ operation_id: null, status: null, queue_position: null, dry_run: true });
    const text = plainText(renderForked(rehearsed, NOW, { choices: ' --epochs 80' }));
    expect(text).toContain(`Would fork ${ID} (nothing was made)`);
    expect(text).toContain(`ktrdr operations fork ${ID} --epochs 80`);
    expect(text).not.toContain('status');
  });

  it('is told of by the operation that it was made from, and tells of it', () => {
    const forks = [
      {
        operation_id: FORK,
        name: 'longer',
        status: 'running' as const,
        checkpoint_id: 'ck_01',
        step: 1400,
        epoch: 25,
        created_at: NOW.toISOString(),
      },
    ];
    const origin = plainText(renderOperation(operationView({ status: 'completed', is_forkable: true, forks }), NOW));
    expect(origin).toMatch(new RegExp(`forks +${FORK} \\(longer, at epoch 25, step 1,400, running\\)`));
    expect(origin).toContain(`ktrdr operations fork ${ID}`);
    const forked_from = {
      operation_id: ID,
      checkpoint_id: 'ck_01',
      step: 1400,
      epoch: 25,
      changes: forkedView().changes,
    };
    const fork = operationView({ origin: { kind: 'fork', operation_id: ID, checkpoint_id: 'ck_01' }, forked_from });
    expect(plainText(renderOperation(fork, NOW))).toMatch(/forked with +epochs 25 → 80/);
  });
});

it('a continuation that is not exact says so and names what differs', () => {
  const drift = [{ what: 'backend' as const, checkpoint: 'wasm 4.22.0', now: 'cpu 4.22.0' }];
  const guarantee = { level: 'within-tolerance' as const, detail: 'close, not equal' };
  const text = plainText(renderResumed(resumedView({ drift, guarantee }), NOW));
  expect(text).toMatch(/guarantee +within-tolerance: close, not equal/);
  expect(text).toMatch(/drift +backend wasm 4\.22\.0 → cpu 4\.22\.0/);
});

it.each([
  ['budget' as const, 'the budget'],
  ['max-loss' as const, 'the bound max_loss_seconds'],
  ['most-often' as const, 'the bound of a tenth of max_loss_seconds'],
])('an operation that saves by a budget shows that %s chose, and what came of it', (decided_by, what) => {
  const checkpointing = {
    overhead_budget: 0.02,
    max_loss_seconds: 60,
    interval_seconds: 7.5,
    decided_by,
    stall_ms: 12,
    background_ms: 138,
    commit_seconds: 0.4,
    saves: 31,
    cost_seconds: 4.5,
    trained_seconds: 240,
    overhead_fraction: 0.01875,
    longest_unprotected_seconds: 8.25,
    is_budget_kept: true,
    is_max_loss_kept: true,
  };
  const text = plainText(renderOperation(operationView({ checkpointing }), NOW));
  expect(text).toContain(`every 7.5 s, decided by ${what}\n`);
  expect(text).toContain('31 saves cost 1.88 % of the time, 2 % are allowed');
  expect(text).toContain('at most 8.3 s of work unsaved, 1 min are allowed');
});
