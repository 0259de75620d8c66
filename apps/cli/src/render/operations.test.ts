import { actionView, checkpointSummary, ID, NOW, operationView, resumedView, plainText } from '../testing/fixtures.js';
import { renderForked, renderResumed } from './continuation.js';
import { renderAction, renderOutcome, renderStarted } from './operation-actions.js';
import { renderOperation } from './operation-detail.js';
import { renderOperations } from './operation-list.js';

const lines = (...expected: string[]) => expected.join('\n');

describe('a resume', () => {
  it('reads as the design says', () => {
    expect(plainText(renderResumed(resumedView(), NOW))).toBe(
      lines(
        `Resumed ${ID}`,
        '  status   resuming (1st in queue)',
        '  from     epoch 25, step 1,400 (cancel checkpoint of 2 minutes ago), nothing lost',
        `  watch    ktrdr operations watch ${ID}`,
      ),
    );
  });

  it('says what falling back costs', () => {
    const fellBack = resumedView({ fell_back_from: 'ck_02', lost_steps: 56, queue_position: null });
    expect(plainText(renderResumed(fellBack, NOW))).toBe(
      lines(
        `Resumed ${ID}`,
        '  status     resuming',
        '  from       epoch 25, step 1,400 (cancel checkpoint of 2 minutes ago), 56 steps lost',
        '  fallback   from ck_02, which is corrupted',
        `  watch      ktrdr operations watch ${ID}`,
      ),
    );
  });

  it('says that a rehearsal changed nothing', () => {
    const rehearsed = resumedView({ dry_run: true, status: 'cancelled', queue_position: null });
    expect(plainText(renderResumed(rehearsed, NOW))).toContain(`Would resume ${ID} (nothing was changed)`);
  });

  it('knows a withdrawn pause and a start from the beginning', () => {
    const withdrawn = resumedView({ status: 'running', queue_position: null, resumed_from: null });
    expect(plainText(renderResumed(withdrawn, NOW))).toContain('from     where it is: the pause was withdrawn');
    expect(plainText(renderResumed(resumedView({ resumed_from: null }), NOW))).toContain('from     the beginning');
  });
});

describe('an operation that no live worker can take', () => {
  const lack = '1 worker is alive in pool default, but none offers backend:wasm';
  const rows = [
    /^ {2}waits +1 worker is alive in pool default, but none offers backend:wasm; it waits until there is one$/m,
    /^ {2}workers +ktrdr workers$/m,
  ];

  it('says so at once, when it is started, resumed, forked or shown', () => {
    const waiting = operationView({ status: 'queued', queue_position: 1, no_fitting_worker: lack });
    const texts = [
      plainText(renderStarted(waiting)),
      plainText(renderOperation(waiting, NOW)),
      plainText(renderResumed(resumedView({ no_fitting_worker: lack }), NOW)),
      plainText(
        renderForked(
          {
            ...resumedView({ no_fitting_worker: lack }),
            name: 'fork',
            forked_from: { ...checkpointSummary(), operation_id: ID, status: 'completed' },
            guarantee: { level: 'bit-exact', detail: '' },
            drift: [],
          },
          NOW,
        ),
      ),
    ];
    for (const text of texts) for (const row of rows) expect(text).toMatch(row);
  });

  it('says nothing where one can, or where the reply does not tell', () => {
    expect(plainText(renderResumed(resumedView({ no_fitting_worker: null }), NOW))).not.toContain('waits');
    expect(plainText(renderStarted(operationView()))).not.toContain('waits');
  });

  it('waits for a first worker of its pool', () => {
    const view = operationView({ status: 'queued', no_fitting_worker: 'no worker of pool gpu is alive' });
    expect(plainText(renderStarted(view))).toContain('no worker of pool gpu is alive; it waits until there is one\n');
  });
});

describe('a stop', () => {
  it('offers the resume command only with a checkpoint to resume from', () => {
    const allowed_actions = ['resume' as const, 'delete' as const];
    const bare = operationView({ status: 'cancelled', allowed_actions });
    const saved = operationView({ status: 'cancelled', allowed_actions, latest_checkpoint: checkpointSummary() });
    const action = actionView({ status: 'cancelled', message: 'No worker held it; it is cancelled' });
    expect(plainText(renderAction(action, bare, NOW))).toBe(
      lines(`Cancelled ${ID}`, '  status   cancelled', '  now      No worker held it; it is cancelled'),
    );
    expect(plainText(renderAction(action, saved, NOW))).toBe(
      lines(
        `Cancelled ${ID}`,
        '  status   cancelled',
        '  now      No worker held it; it is cancelled',
        '  saved    epoch 25, step 1,400 (cancel checkpoint of 2 minutes ago)',
        `  resume   ktrdr operations resume ${ID}`,
      ),
    );
  });

  it('marks a checkpoint that is known to be damaged', () => {
    const corrupted = checkpointSummary({ corrupted_at: '2026-11-22T10:16:05.000Z' });
    const damaged = operationView({
      status: 'cancelled',
      allowed_actions: ['resume', 'delete'],
      latest_checkpoint: corrupted,
      resumed_from: corrupted,
    });
    const shown = 'ck_01 (cancel, epoch 25, step 1,400, 2 minutes ago), found corrupted 1 minute ago\n';
    expect(plainText(renderOperation(damaged, NOW))).toContain(`  checkpoint   ${shown}`);
    expect(plainText(renderOperation(damaged, NOW))).toContain(`  resumed      from ${shown}`);
    expect(plainText(renderOutcome(damaged, NOW))).toContain(
      '(cancel checkpoint of 2 minutes ago), found corrupted 1 minute',
    );
  });

  it('tells how an operation ended', () => {
    const failed = operationView({
      status: 'failed',
      allowed_actions: ['resume', 'delete'],
      latest_checkpoint: checkpointSummary({ checkpoint_type: 'periodic' }),
      error: { code: 'trainer-crashed', message: 'It was killed by SIGKILL', details: {} },
    });
    expect(plainText(renderOutcome(failed, NOW))).toBe(
      lines(
        ID,
        '  status    failed',
        '  error     trainer-crashed: It was killed by SIGKILL',
        '  at        epoch 12, step 1,344, after 2 min 4 s of training',
        '  metrics   loss 0.6892  val_loss 0.6911',
        '  saved     epoch 25, step 1,400 (periodic checkpoint of 2 minutes ago)',
        `  resume    ktrdr operations resume ${ID}`,
        `  show      ktrdr operations show ${ID}`,
      ),
    );
  });
});

describe('operations', () => {
  const page = {
    items: [operationView()],
    next_cursor: null,
    total: 1,
    active: 1,
    by_status: { running: 1, failed: 0 },
  };

  it('stand in a table without trailing spaces', () => {
    const waiting = operationView({
      operation_id: 'op_training_20261122_101600_aaaaaa',
      name: 'second',
      status: 'queued',
      queue_position: 2,
      progress: null,
      metrics: null,
    });
    const listed = { ...page, items: [operationView(), waiting], total: 40, next_cursor: 'abc' };
    expect(plainText(renderOperations(listed, NOW, { isFiltered: false }))).toBe(
      lines(
        'OPERATION                           NAME             STATUS                 DONE  EPOCH  VAL LOSS  CREATED',
        `${ID}  sp500 direction  running                24 %  12/50    0.6911  2 minutes ago`,
        'op_training_20261122_101600_aaaaaa  second           queued (2nd in queue)                         2 minutes ago',
        '',
        '2 of 40 shown · 1 active · 1 running',
        'next page  ktrdr operations --cursor abc',
      ),
    );
  });

  it('say what to do when there are none', () => {
    const none = { ...page, items: [], total: 0 };
    expect(plainText(renderOperations(none, NOW, { isFiltered: false }))).toContain('ktrdr operations start SPEC');
    expect(plainText(renderOperations(none, NOW, { isFiltered: true }))).toContain('No operation matches.');
  });

  it('start with the command to watch them', () => {
    expect(plainText(renderStarted(operationView({ status: 'queued', queue_position: 1 })))).toBe(
      lines(
        `Started ${ID}`,
        '  name     sp500 direction',
        '  status   queued (1st in queue)',
        `  watch    ktrdr operations watch ${ID}`,
      ),
    );
  });

  it('are shown in full', () => {
    const view = operationView({
      pause: {
        boundary: 'epoch',
        cause: 'manual',
        reason: 'lunch',
        requested_by: 'ada',
        requested_at: '2026-11-22T10:17:00.000Z',
      },
      warnings: [{ code: 'slow', message: 'It is slow', at: '2026-11-22T10:16:00.000Z' }],
    });
    expect(plainText(renderOperation(view, NOW))).toBe(
      lines(
        ID,
        '  name       sp500 direction',
        '  status     running',
        '  worker     worker-1, attempt 2, wasm',
        '  progress   24 %  epoch 12/50  step 1,344/5,600  8,100 examples/s  ETA 41 s',
        '  metrics    loss 0.6892  val_loss 0.6911',
        '  best       val_loss 0.6910 (epoch 11, step 1,232)',
        '  times      queued 1 s  active 2 min 4 s  paused 0 s',
        '  pause      requested by ada 5 seconds ago, at the next epoch: lunch',
        '  warnings   It is slow (1 minute ago)',
        '  created    2 minutes ago (2026-11-22T10:15:00.000Z)',
        '  labels     owner ada',
        '  pool       default, priority 0',
        '  watchdog   warns after 10 min without a step',
        `  spec       sha256 ${'ab'.repeat(32)}`,
        '             version  1',
        `  next       ktrdr operations pause ${ID}`,
        `             ktrdr operations cancel ${ID}`,
      ),
    );
  });

  it('survive what a newer API adds, and results of any shape', () => {
    const odd = operationView({ result: { weights_sha256: 'abc', nested: { a: [1] }, loss: 'NaN', nothing: null } });
    const text = plainText(renderOperation({ ...odd, mood: { good: true } } as typeof odd, NOW));
    expect(text).toMatch(/nested\n +a  1\n/);
    expect(text).toContain('loss            NaN');
    expect(text).not.toMatch(/[{[]/);
  });

  it('cannot steer the terminal through their names', () => {
    const text = plainText(renderOperation(operationView({ name: 'a\u001b[2Jb\nc\u202e' }), NOW));
    expect(text).toContain('name       a\\x1b[2Jb c\\x202e');
  });
});
