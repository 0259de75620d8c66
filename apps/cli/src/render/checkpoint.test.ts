import { checkpointView, ID, NOW, plainText } from '../testing/fixtures.js';
import { renderCheckpoint, renderCheckpoints, renderStats, renderVerified } from './checkpoint.js';
import { renderWorkers } from './workers.js';

const lines = (...expected: string[]) => expected.join('\n');

describe('checkpoints', () => {
  it('stand in a table with their marks', () => {
    const superseded = checkpointView({ is_latest: false, pinned: false, superseded_at: '2026-11-22T10:16:00.000Z' });
    const items = [checkpointView(), checkpointView({ is_best: true }), superseded];
    expect(plainText(renderCheckpoints(ID, { items }, NOW))).toBe(
      lines(
        'CHECKPOINT  KIND    EPOCH   STEP     SIZE  VAL LOSS  SAVED',
        'ck_01       cancel     25  1,400  1.40 MB       NaN  2 minutes ago  latest, pinned',
        'ck_01       cancel     25  1,400  1.40 MB       NaN  2 minutes ago  latest, best, pinned',
        'ck_01       cancel     25  1,400  1.40 MB       NaN  2 minutes ago  superseded',
      ),
    );
  });

  it('are shown with their files', () => {
    expect(plainText(renderCheckpoint(checkpointView(), NOW))).toBe(
      lines(
        'ck_01',
        `  operation   ${ID}`,
        '  kind        cancel, latest, pinned',
        '  at          epoch 25, step 1,400, attempt 1',
        '  saved       2 minutes ago (2026-11-22T10:15:00.000Z)',
        '  metrics     loss 0.6892  val_loss NaN',
        '  size        1.40 MB, 1.40 MB of it new',
        '  cost        training stood still for 3 ms, saved in 0.1 s',
        `  files       model.json            2.10 kB  ${'cd'.repeat(32)}`,
        `              weights.safetensors   1.40 MB  ${'ef'.repeat(32)}`,
        `  manifest    ${'01'.repeat(32)}`,
        `  resume      ktrdr operations resume ${ID} --checkpoint ck_01`,
      ),
    );
  });

  it('are judged file by file', () => {
    const bad_files = [{ name: 'weights.safetensors', problem: 'wrong-hash', detail: 'expected ef…, found 00…' }];
    const verified = { checkpoint_id: 'ck_01', valid: false, files_checked: 5, bytes_hashed: 1_403_000, bad_files };
    expect(plainText(renderVerified(verified))).toBe(
      lines(
        'ck_01',
        '  verdict     corrupted',
        '  checked     4 files and the manifest, 1.40 MB hashed',
        '  bad files   weights.safetensors  wrong-hash  (expected ef…, found 00…)',
      ),
    );
    expect(plainText(renderVerified({ ...verified, files_checked: 1 }))).toContain(
      '  checked     the manifest, 1.40 MB',
    );
  });

  it('are counted', () => {
    const stats = {
      count: 12,
      logical_bytes: 12_000_000,
      stored_bytes: 9_000_000,
      oldest_at: '2026-11-22T09:17:05.000Z',
      operations: [{ operation_id: ID, count: 12, bytes: 12_000_000 }],
      last_orphan_sweep: null,
    };
    expect(plainText(renderStats(stats, NOW))).toBe(
      lines(
        'Checkpoints',
        '  count    12',
        '  size     12.0 MB',
        '  stored   9.00 MB, 3.00 MB saved by storing each blob once',
        '  oldest   1 hour ago',
        '',
        'OPERATION                           COUNT     SIZE',
        `${ID}     12  12.0 MB`,
      ),
    );
  });
});

describe('workers', () => {
  it('stand in a table with what they hold', () => {
    const worker = {
      worker_id: 'worker-1',
      pool: 'default',
      status: 'busy' as const,
      version: '0.1.0',
      host: 'box',
      pid: 42,
      slots: 1,
      free_slots: 0,
      capabilities: ['type:training'],
      operations: [ID],
      registered_at: '2026-11-22T10:00:00.000Z',
      last_seen_at: '2026-11-22T10:17:04.000Z',
    };
    expect(plainText(renderWorkers({ items: [worker] }, NOW))).toBe(
      lines(
        'WORKER    STATUS  POOL     FREE  HOST    SEEN          OPERATIONS',
        `worker-1  busy    default   0/1  box:42  a moment ago  ${ID}`,
      ),
    );
  });

  it('say what their absence means', () => {
    expect(plainText(renderWorkers({ items: [] }, NOW))).toContain('There are no workers');
  });
});
