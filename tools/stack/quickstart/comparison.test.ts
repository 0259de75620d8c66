import type { OperationView } from '@ktrdr/contracts';
import { compare } from './comparison.js';

const run = (hash: string, workers: readonly string[]) => ({
  workers,
  operation: {
    operation_id: `op_training_20261122_101500_${hash}`,
    attempt: workers.length,
    active_seconds: 12.34,
    result: {
      weights_sha256: hash.repeat(10),
      epochs_run: 50,
      steps: 5550,
      final: { loss: 0.6912345678 },
      test: { accuracy: 0.53301 },
    },
  } as unknown as OperationView,
});

describe('the comparison of two runs', () => {
  it('is equal when the weights are', () => {
    const { isEqual, text } = compare(run('abcdef', ['w1']), run('abcdef', ['w1', 'w2']));
    expect(isEqual).toBe(true);
    expect(text).toContain('worker           w1                   w1, then w2');
    expect(text).toContain('test accuracy    53.30 %');
  });

  it('shows both hashes when they differ', () => {
    const { isEqual, text } = compare(run('abcdef', ['w1']), run('123456', ['w1', 'w2']));
    expect(isEqual).toBe(false);
    expect(text).toContain(
      `NOT equal:\n    uninterrupted ${'abcdef'.repeat(10)}\n    interrupted   ${'123456'.repeat(10)}`,
    );
  });
});
