import { ERROR_CODES } from '@ktrdr/errors';
import { OPERATION_STATUSES } from '@ktrdr/operations/model';
import { exitCodeOfError, exitCodeOfStatus } from './exit-codes.js';

describe('exit codes', () => {
  it.each([
    ['operation-not-found', 3],
    ['checkpoint-not-found', 3],
    ['worker-not-found', 3],
    ['spec-invalid', 2],
    ['request-invalid', 2],
    ['illegal-transition', 4],
    ['checkpoint-in-use', 4],
    ['idempotency-key-reused', 4],
    ['api-unreachable', 5],
    ['database-unavailable', 5],
    ['objects-in-use', 5],
    ['shutting-down', 5],
    ['checkpoint-corrupted', 6],
    ['unauthorized', 7],
    ['forbidden', 7],
    ['internal', 1],
  ] as const)('answers %s with %i', (code, exit) => {
    expect(exitCodeOfError(code)).toBe(exit);
  });

  it('never calls an error a success', () => {
    expect(ERROR_CODES.map(exitCodeOfError)).not.toContain(0);
  });

  it('calls an end a failure only when it was failed or cancelled', () => {
    expect(OPERATION_STATUSES.filter((status) => exitCodeOfStatus(status) !== 0)).toEqual(['cancelled', 'failed']);
  });
});
