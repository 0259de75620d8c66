import { directiveFor } from './directive.js';
import { isLeased, OPERATION_STATUSES, type OperationStatus } from '../model/status.js';
import { givenOperation } from '../testing/given-operation.js';

const lease = { attempt: 2, workerId: 'w1' };
const held = (status: OperationStatus, overrides = {}) =>
  givenOperation({ status, attempt: 2, workerId: isLeased(status) ? 'w1' : null, ...overrides });
const asked = { reason: null, requestedBy: 'somebody', requestedAt: '2026-01-01T00:00:00.000Z' };

describe('what the holder of an attempt is told', () => {
  it.each([
    ['running', {}, { kind: 'run' }],
    ['pausing', {}, { kind: 'pause', boundary: 'step' }],
    [
      'pausing',
      { pauseRequest: { boundary: 'epoch', cause: 'manual', timeoutMs: null, ...asked } },
      { kind: 'pause', boundary: 'epoch' },
    ],
    ['cancelling', {}, { kind: 'cancel', save: true }],
    ['cancelling', { cancelRequest: { save: true, ...asked } }, { kind: 'cancel', save: true }],
    ['cancelling', { cancelRequest: { save: false, ...asked } }, { kind: 'cancel', save: false }],
  ] as const)('follows from %s', (status, overrides, directive) => {
    expect(directiveFor(held(status, overrides), lease)).toEqual(directive);
  });

  it.each(OPERATION_STATUSES.filter((status) => !isLeased(status)))(
    'is that its lease is lost once it is %s',
    (status) => {
      expect(directiveFor(held(status), lease)).toEqual({ kind: 'lease-lost', reason: `the operation is ${status}` });
    },
  );

  it.each(OPERATION_STATUSES)('is that its lease is lost to a newer attempt, whether or not that is %s', (status) => {
    const newer = held(status, { attempt: 3, ...(isLeased(status) ? { workerId: 'w2' } : {}) });
    expect(directiveFor(newer, lease)).toEqual({ kind: 'lease-lost', reason: 'attempt 3 has taken over' });
  });

  it('is that its lease is lost when the attempt is another worker’s', () => {
    expect(directiveFor(held('running', { workerId: 'w2' }), lease)).toEqual({
      kind: 'lease-lost',
      reason: 'worker w2 holds the operation',
    });
  });

  it('is that its lease is lost when the operation is gone', () => {
    expect(directiveFor(undefined, lease)).toEqual({ kind: 'lease-lost', reason: 'the operation was deleted' });
  });
});
