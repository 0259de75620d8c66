import type { Dispatcher, OperationStore, TransitionCommand } from '../ports.js';
import { ReportOutcome } from './report-outcome.js';
import { givenOperation } from '../testing/given-operation.js';

const LEASE = { operationId: 'op_training_20260101_000000_aaaaaaaaaa', attempt: 2, workerId: 'w1' };

async function commandOfRelease(reason: string): Promise<TransitionCommand | undefined> {
  const commands: TransitionCommand[] = [];
  const store: Pick<OperationStore, 'transition'> = {
    transition: async (command) => {
      commands.push(command);
      const operation = givenOperation({ status: 'resuming' });
      return { kind: 'applied', queuePosition: 1, operation, from: 'running' };
    },
  };
  const dispatcher: Dispatcher = {
    announce: () => undefined,
    hint: () => undefined,
  };
  const report = new ReportOutcome(store as OperationStore, dispatcher);
  await report.released(LEASE, { step: 40, epoch: 4 }, reason, 'c1');
  return commands[0];
}

describe('a release', () => {
  it.each([
    ['worker-shutdown', 'the worker shuts down'],
    ['drain', 'the worker drains'],
    ['its disk is full', 'its disk is full'],
  ])('for %s says in the history why: %s', async (told, reason) => {
    expect(await commandOfRelease(told)).toMatchObject({
      event: 'release',
      actor: 'worker:w1',
      reason,
      details: { reason: told, checkpoint_id: 'c1' },
    });
  });
});
