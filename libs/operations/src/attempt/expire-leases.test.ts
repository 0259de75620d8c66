import { ExpireLeases } from './expire-leases.js';
import type { Operation } from '../model/operation.js';
import type { PauseCause } from '../model/status.js';
import type { Dispatcher, OperationStore, TransitionCommand } from '../ports.js';
import { givenOperation } from '../testing/given-operation.js';

const LIMITS = { cancellingMs: 1_000, pausingMs: 2_000 };

function pausing(cause: PauseCause): Operation {
  const pauseRequest = { boundary: 'step', cause, reason: null, timeoutMs: null, requestedBy: 'x', requestedAt: 'x' };
  return givenOperation({
    status: 'pausing',
    version: 7,
    attempt: 2,
    workerId: 'w1',
    pauseRequest: pauseRequest as NonNullable<Operation['pauseRequest']>,
  });
}

async function commandFor(operation: Operation) {
  const commands: TransitionCommand[] = [];
  const hints: string[] = [];
  const store: Pick<OperationStore, 'expiredLeases' | 'overdue' | 'transition'> = {
    expiredLeases: async () => [],
    overdue: async () => [operation],
    transition: async (command) => {
      commands.push(command);
      return { kind: 'applied', queuePosition: null, operation, from: operation.status };
    },
  };
  const dispatcher: Dispatcher = {
    announce: () => undefined,
    hint: (workerId) => void hints.push(workerId),
  };
  await new ExpireLeases(store as OperationStore, dispatcher).execute(LIMITS);
  expect(commands).toHaveLength(1);
  return { command: commands[0], hints };
}

describe('a pause that comes to no checkpoint in time', () => {
  it('is given up, and training goes on, when somebody has asked for it', async () => {
    const { command, hints } = await commandFor(pausing('manual'));
    expect(command).toMatchObject({ event: 'pause-failed', expect: { attempt: 2 }, changes: { pauseRequest: null } });
    expect(hints).toEqual(['w1']);
  });

  it('takes the operation from a stuck trainer, only as it was read: who wants it to run has changed it', async () => {
    const { command, hints } = await commandFor(pausing('stall'));
    expect(command).toMatchObject({
      event: 'release',
      actor: 'policy:watchdog',
      expect: { attempt: 2, version: 7 },
      changes: { resumeCheckpointId: null, warning: { code: 'trainer-stalled' } },
    });
    expect(hints).toEqual(['w1']);
  });
});
