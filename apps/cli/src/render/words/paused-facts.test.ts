import type { Snapshot } from './machine.js';
import { checkpointSummary, ID, NOW, operationView, plainText } from '../../testing/fixtures.js';
import { renderOperation } from '../operation-detail.js';
import { printed } from '../terminal/layout.js';
import type { Paint } from '../terminal/paint.js';

const SNAPSHOT: Snapshot = {
  taken_at: '2026-11-22T10:16:05.000Z',
  cpu_percent: 0,
  memory_used_bytes: 12_300_000_000,
  memory_total_bytes: 16_000_000_000,
  gpus: [
    {
      name: 'H100',
      utilization_percent: 95,
      memory_used_bytes: 8_000_000_000,
      memory_total_bytes: 80_000_000_000,
      temperature_celsius: null,
    },
  ],
  trainer_memory_bytes: 412_000_000,
  trainer_gone: true,
  examples_per_second: 8123.4,
};

function pausedView(snapshot: Snapshot | null) {
  const pause = { actor: 'ada', reason: null, cause: 'manual', epoch: 3, step: 336 };
  return operationView({
    status: 'paused',
    worker_id: null,
    allowed_actions: ['resume', 'cancel', 'delete'],
    latest_checkpoint: checkpointSummary({ checkpoint_type: 'pause' }),
    pause: {
      boundary: 'step',
      cause: 'resource',
      reason: 'machine needed',
      requested_by: 'ada',
      requested_at: '2026-11-22T10:16:04.000Z',
    },
    paused: {
      step: 1344,
      epoch: 12,
      paused_at: '2026-11-22T10:16:05.000Z',
      checkpoint_id: 'ck_01',
      corrupted_at: null,
      remaining: { seconds: 393, method: 'active time per step so far, times the steps that remain' },
      snapshot,
    },
    pauses: [
      { ...pause, paused_at: '2026-11-22T10:15:30.000Z' },
      { ...pause, epoch: 12, step: 1344, paused_at: '2026-11-22T10:16:05.000Z' },
    ],
  });
}

describe('a paused operation', () => {
  it('shows whose pause it is, why, how far it had come, and what the machine was doing', () => {
    const text = plainText(renderOperation(pausedView(SNAPSHOT), NOW));
    expect(text).toContain(
      [
        '  progress     24 %  epoch 12/50  step 1,344/5,600  8,100 examples/s  ETA 41 s',
        '  metrics      loss 0.6892  val_loss 0.6911',
        '  best         val_loss 0.6910 (epoch 11, step 1,232)',
        '  times        queued 1 s  active 2 min 4 s  paused 0 s',
        '  paused       by ada, 1 minute ago (2026-11-22T10:16:05.000Z)',
        '  why          resource: machine needed',
        '  paused at    epoch 12, step 1,344',
        '  saved as     ck_01',
        '  remaining    6 min 33 s (active time per step so far, times the steps that remain)',
        '  CPU          0 %',
        '  RAM          12.3 GB of 16.0 GB (77 %)',
        '  GPU 0        H100',
        '               utilisation 95 %',
        '               memory 8.00 GB of 80.0 GB (10 %)',
        '               temperature not measured',
        '  speed        8,123 examples/s',
        '  released     412 MB of memory, as the trainer has ended',
        '  pauses       1 minute ago at epoch 3, step 336, by ada (manual)',
      ].join('\n'),
    );
    expect(text).toContain(`  next         ktrdr operations resume ${ID}\n`);
    expect(text).not.toContain('asked for');
  });

  it.each([
    ['known to be damaged', '2026-11-22T10:16:05.000Z', '<bad>ck_01, found corrupted 1 minute ago</>'],
    ['not', null, 'ck_01'],
  ])('marks a checkpoint that is %s', (_what, corrupted_at, saved) => {
    const marking: Paint = (tone, text) => (tone === 'bad' ? `<bad>${text}</>` : text);
    const view = pausedView(null);
    const text = printed(
      renderOperation({ ...view, paused: view.paused && { ...view.paused, corrupted_at } }, NOW),
      marking,
    );
    expect(text).toContain(`  saved as     ${saved}\n`);
  });

  it('marks what is above 70 % and above 90 %', () => {
    const marking: Paint = (tone, text) => (tone === 'waiting' || tone === 'bad' ? `<${tone}>${text}</>` : text);
    const text = printed(renderOperation(pausedView({ ...SNAPSHOT, cpu_percent: 70 }), NOW), marking);
    expect(text).toContain('CPU          70 %');
    expect(text).toContain('RAM          <waiting>12.3 GB of 16.0 GB (77 %)</>');
    expect(text).toContain('<bad>utilisation 95 %</>');
  });

  it('tells what was not measured from what is 0', () => {
    const unknown: Snapshot = {
      ...SNAPSHOT,
      cpu_percent: null,
      memory_used_bytes: null,
      gpus: null,
      trainer_memory_bytes: null,
      examples_per_second: null,
    };
    const text = plainText(renderOperation(pausedView(unknown), NOW));
    expect(text).toContain('CPU          not measured');
    expect(text).toContain('RAM          not measured, of 16.0 GB');
    expect(text).toContain('GPU          not measured');
    expect(text).toContain('the trainer has ended; its memory was not measured');
    expect(plainText(renderOperation(pausedView({ ...SNAPSHOT, gpus: [] }), NOW))).toContain(
      'GPU          none in this machine',
    );
    expect(plainText(renderOperation(pausedView(null), NOW))).toContain('machine      not measured');
  });

  it('claims nothing to be released that was not seen to end', () => {
    const text = plainText(renderOperation(pausedView({ ...SNAPSHOT, trainer_gone: false }), NOW));
    expect(text).toContain('released     nothing: the trainer was not seen to end');
  });

  it('needs no pause record: it had not been taken by a worker', () => {
    const waiting = { ...pausedView(null), paused: null, pauses: [] };
    const text = plainText(renderOperation(waiting, NOW));
    expect(text).toContain('paused       by ada, 1 minute ago');
    expect(text).not.toContain('machine  ');
  });
});

describe('an operation', () => {
  it('shows what might help after a failure, with the command', () => {
    const command = `ktrdr operations resume ${ID} --batch-size 16`;
    const failed = operationView({
      status: 'failed',
      suggestions: [{ overrides: { batch_size: 16 }, why: 'smaller batches need less memory', command }],
    });
    expect(plainText(renderOperation(failed, NOW))).toContain(
      `  hint       smaller batches need less memory:\n               ${command}\n`,
    );
  });

  it('shows that it is stuck, its family and what was changed of it', () => {
    const spec = {
      version: 1,
      data: { source: 'dataset:sp500' },
      features: [{ kind: 'return', period: 1 }],
      model: { layers: [{ kind: 'dense', units: 8 }] },
      epochs: 50,
    };
    const view = operationView({
      stuck_since: '2026-11-22T10:16:05.000Z',
      parent_id: 'op_training_20261122_090000_parent',
      origin: { kind: 'fork', operation_id: 'op_training_20261122_080000_origin', checkpoint_id: 'ck_9' },
      children: { total: 3, by_status: { completed: 2, running: 1, failed: 0 }, fraction: 0.67 },
      spec,
      overrides: { epochs: 80 },
    });
    const text = plainText(renderOperation(view, NOW));
    expect(text).toMatch(
      /stuck +its worker is alive, but it has made no step for more than 10 min; noticed 1 minute ago/,
    );
    expect(text).toMatch(/parent +op_training_20261122_090000_parent/);
    expect(text).toMatch(/made from +op_training_20261122_080000_origin \(fork at ck_9\)/);
    expect(text).toMatch(/children +3: 2 completed, 1 running, 67 % done/);
    expect(text).toMatch(/changed +epochs 50 → 80/);
  });

  it('shows overrides that this version does not know as they came', () => {
    const view = operationView({ overrides: { epochs: 80, mood: 'good' } });
    expect(plainText(renderOperation(view, NOW))).toMatch(/changed +epochs → 80\n +mood → good/);
  });
});
