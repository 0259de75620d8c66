import type { CleanupView } from '@ktrdr/contracts';
import { plainText } from '../testing/fixtures.js';
import { renderCleanup } from './cleanup.js';

const nothing: CleanupView = {
  dry_run: true,
  removed: [],
  kept_reasons: {},
  orphans: { manifests: 0, blobs: 0, bytes: 0, younger_than_grace: 0, damaged: 0, skipped: null },
  freed_bytes: 0,
  over_limit: null,
};

describe('a clean-up', () => {
  it('shows what would go, why, and the command that does it', () => {
    const view: CleanupView = {
      ...nothing,
      removed: [
        { checkpoint_id: 'ck_1', operation_id: 'op_1', step: 1400, bytes: 2_000_000, reason: 'too-old' },
        { checkpoint_id: 'ck_20', operation_id: 'op_1', step: 90, bytes: 500, reason: 'beyond-keep-last' },
      ],
      kept_reasons: { newest: 3, pinned: 1 },
      orphans: { ...nothing.orphans, manifests: 1, blobs: 4, bytes: 9_000, younger_than_grace: 2, damaged: 1 },
      freed_bytes: 2_009_500,
    };
    expect(plainText(renderCleanup(view, 'ktrdr checkpoints cleanup --yes'))).toBe(
      [
        'CHECKPOINT  OPERATION   STEP     SIZE  WHY',
        'ck_1        op_1       1,400  2.00 MB  too-old',
        'ck_20       op_1          90    500 B  beyond-keep-last',
        '',
        'Nothing was removed yet',
        '  checkpoints   2',
        '  orphans       1 manifest, 4 blobs, 9.00 kB; 2 objects too young to judge',
        '  damaged       1 checkpoint without objects, not marked yet',
        '  would free    2.01 MB',
        '  kept          3 newest, 1 pinned',
        '  next          ktrdr checkpoints cleanup --yes',
      ].join('\n'),
    );
  });

  it('says how far above its limit it stays, and what protects what is left', () => {
    const view: CleanupView = {
      ...nothing,
      kept_reasons: { 'within-limits': 0, newest: 5, pinned: 3 },
      over_limit: { max_total_bytes: 1_000_000_000, left_bytes: 1_812_000_000, over_bytes: 812_000_000 },
    };
    expect(plainText(renderCleanup(view, ''))).toContain(
      '  limit         still 812 MB above the limit of 1.00 GB: what is left is protected (5 the newest of an operation, 3 pinned)',
    );
    expect(plainText(renderCleanup({ ...view, over_limit: null }, ''))).not.toContain('limit  ');
  });

  it('says when there is nothing to do, and offers nothing', () => {
    expect(plainText(renderCleanup(nothing, 'ktrdr checkpoints cleanup --yes'))).toBe(
      [
        'There is nothing to remove',
        '  checkpoints   0',
        '  orphans       0 manifests, 0 blobs, 0 B',
        '  would free    0 B',
      ].join('\n'),
    );
  });

  it('says why the store was not looked through', () => {
    const view = { ...nothing, dry_run: false, orphans: { ...nothing.orphans, skipped: 'it was not asked for' } };
    expect(plainText(renderCleanup(view, ''))).toContain('orphans       not looked for: it was not asked for');
  });
});
