import { clocksAt } from './operation.js';
import { OPERATION_STATUSES, type OperationStatus } from './status.js';
import { newOperationId } from '../submit/operation-draft.js';
import { givenOperation } from '../testing/given-operation.js';

const SINCE = new Date('2026-01-01T12:00:00.000Z');
const past = { statusSince: SINCE, queuedMs: 1_000, activeMs: 20_000, pausedMs: 300_000 };

describe('the clocks of an operation', () => {
  const RUNS: Readonly<Record<OperationStatus, 'queuedMs' | 'activeMs' | 'pausedMs' | null>> = {
    queued: 'queuedMs',
    resuming: 'queuedMs',
    running: 'activeMs',
    pausing: 'activeMs',
    cancelling: 'activeMs',
    paused: 'pausedMs',
    cancelled: null,
    completed: null,
    failed: null,
  };

  it.each(OPERATION_STATUSES)('count the time in %s once, and where it belongs', (status) => {
    const operation = givenOperation({ status, ...past });
    const before = { queuedMs: 1_000, activeMs: 20_000, pausedMs: 300_000 };
    const running = RUNS[status];
    expect(clocksAt(operation, SINCE.getTime() + 7_000)).toEqual(
      running ? { ...before, [running]: before[running] + 7_000 } : before,
    );
  });

  it('never go back, though this machine’s clock is behind the database’s', () => {
    expect(clocksAt(givenOperation({ status: 'running', ...past }), SINCE.getTime() - 7_000)).toMatchObject({
      activeMs: 20_000,
    });
  });
});

describe('an operation id', () => {
  const entropy = (byte: number) => new Uint8Array(10).fill(byte);

  it('says what it is and when it was made', () => {
    const id = newOperationId('training', new Date('2026-11-22T10:15:07.999Z'), entropy(0));
    expect(id).toBe('op_training_20261122_101507_0000000000');
  });

  it('has the form that the wire contract asks for, whatever the entropy', () => {
    for (let byte = 0; byte < 256; byte += 1) {
      expect(newOperationId('training', SINCE, entropy(byte))).toMatch(/^op_[a-z_]{1,32}_\d{8}_\d{6}_[a-z0-9]{6,12}$/);
    }
  });

  it('sorts by age', () => {
    const ids = [0, 1_000, 86_400_000].map((ms) =>
      newOperationId('training', new Date(SINCE.getTime() + ms), entropy(9)),
    );
    expect(ids.toSorted()).toEqual(ids);
  });

  it('takes no more than its ten bytes, and differs where they do', () => {
    const longer = new Uint8Array(20).fill(1, 0, 10).fill(2, 10);
    expect(newOperationId('training', SINCE, longer)).toBe(newOperationId('training', SINCE, entropy(1)));
    expect(newOperationId('training', SINCE, entropy(1))).not.toBe(newOperationId('training', SINCE, entropy(2)));
  });
});
