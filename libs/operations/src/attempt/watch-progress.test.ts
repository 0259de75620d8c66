import { IllegalTransitionError, PauseRefusedError } from '../model/errors.js';
import type { Dispatcher, OperationStore, TransitionCommand } from '../ports.js';
import type { PauseCommand, PauseOperation } from '../stop/stop-operation.js';
import { givenOperation } from '../testing/given-operation.js';
import type { Watchdog } from '../model/operation.js';
import { WatchProgress } from './watch-progress.js';

const NOW = new Date('2026-01-01T00:00:00.000Z');

function given({ watchdog, refusal, isMarked = true }: Given) {
  const operation = givenOperation({ status: 'running', attempt: 2, workerId: 'w1', watchdog });
  const commands: TransitionCommand[] = [];
  const pauses: PauseCommand[] = [];
  const hints: string[] = [];
  const store: Pick<OperationStore, 'stalled' | 'markStuck' | 'transition'> = {
    stalled: async () => [operation],
    markStuck: async () => isMarked,
    transition: async (command) => {
      commands.push(command);
      return { kind: 'applied', queuePosition: null, operation, from: 'running' };
    },
  };
  const pause: Pick<PauseOperation, 'execute'> = {
    execute: async (command) => {
      pauses.push(command);
      if (refusal) throw refusal;
      return operation;
    },
  };
  const dispatcher: Dispatcher = {
    announce: () => undefined,
    hint: (workerId) => void hints.push(workerId),
  };
  const watch = new WatchProgress(store as OperationStore, pause as PauseOperation, dispatcher);
  return { watch, commands, pauses, hints };
}

type Given = Readonly<{ watchdog: Watchdog; refusal?: Error; isMarked?: boolean }>;

const LEASE_MS = 6_000;

describe('a stuck trainer', () => {
  it('is a warning and nothing else where nothing else is wanted', async () => {
    const { watch, commands, pauses } = given({ watchdog: { seconds: 30, onStall: 'warn' } });
    expect(await watch.execute(NOW, LEASE_MS)).toHaveLength(1);
    expect([commands, pauses]).toEqual([[], []]);
  });

  it('is failed with the fencing token, and its worker hears of it', async () => {
    const { watch, commands, hints } = given({ watchdog: { seconds: 30, onStall: 'fail' } });
    await watch.execute(NOW, LEASE_MS);
    expect(commands).toMatchObject([
      { event: 'fail', expect: { attempt: 2 }, changes: { error: { code: 'trainer-stalled' } } },
    ]);
    expect(hints).toEqual(['w1']);
  });

  it.each([
    [30, 30_000],
    [600, 60_000],
  ])('has, after %i s without a step, %i ms to save for its pause', async (seconds, timeoutMs) => {
    const { watch, pauses } = given({ watchdog: { seconds, onStall: 'pause' } });
    await watch.execute(NOW, LEASE_MS);
    expect(pauses).toMatchObject([{ cause: 'stall', boundary: 'step', timeoutMs }]);
  });

  it.each([
    ['has moved on', new IllegalTransitionError({ status: 'completed', action: 'pause', allowedActions: [] })],
    ['is of a type that cannot be paused', new PauseRefusedError('op', 'data_generation')],
  ])('keeps nobody else waiting when its operation %s', async (_what, refusal) => {
    const { watch } = given({ watchdog: { seconds: 30, onStall: 'pause' }, refusal });
    await expect(watch.execute(NOW, LEASE_MS)).resolves.toHaveLength(1);
  });

  it('is left to the replica that marked it', async () => {
    const { watch, commands } = given({ watchdog: { seconds: 30, onStall: 'fail' }, isMarked: false });
    expect(await watch.execute(NOW, LEASE_MS)).toEqual([]);
    expect(commands).toEqual([]);
  });
});
