import type { Operation } from './operation.js';
import type { Dispatcher, OperationStore } from './ports.js';
import type { PauseOperation } from './stop-operation.js';
import { IllegalTransitionError } from './errors.js';

const ACTOR = 'policy:watchdog';

/** Alive but stuck: its worker sends heartbeats, its trainer makes no steps. Says so, then does what its policy says. */
export class WatchProgress {
  constructor(
    private readonly operations: OperationStore,
    private readonly pauseOperation: PauseOperation,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Returns what was found stuck. */
  async execute(now: Date): Promise<readonly Operation[]> {
    const found: Operation[] = [];
    for (const operation of await this.operations.stalled()) {
      const message = `no step for ${operation.watchdog?.seconds} s although worker ${operation.workerId} is alive`;
      if (!(await this.operations.markStuck(operation, message))) continue;
      found.push(operation);
      await this.act(operation, message, now);
    }
    return found;
  }

  private async act(operation: Operation, reason: string, now: Date): Promise<void> {
    switch (operation.watchdog?.onStall) {
      case 'pause':
        return this.pause(operation, reason, now);
      case 'fail':
        return this.fail(operation, reason);
      default:
        return;
    }
  }

  private async pause({ id }: Operation, reason: string, now: Date): Promise<void> {
    try {
      await this.pauseOperation.execute({
        operationId: id,
        actor: ACTOR,
        reason,
        now,
        boundary: 'step',
        cause: 'stall',
        timeoutMs: null,
      });
    } catch (error) {
      if (!(error instanceof IllegalTransitionError)) throw error; // it has moved on by itself
    }
  }

  private async fail({ id, attempt, workerId }: Operation, reason: string): Promise<void> {
    const error = { code: 'trainer-stalled', message: reason, details: { worker_id: workerId } };
    await this.operations.transition({
      operationId: id,
      event: 'fail',
      actor: ACTOR,
      reason,
      expect: { attempt },
      changes: { error },
      details: { error },
    });
    if (workerId) this.dispatcher.hint(workerId, id);
  }
}
