import type { Operation } from '../model/operation.js';
import type { Dispatcher, OperationStore } from '../ports.js';
import type { PauseOperation } from '../stop/stop-operation.js';
import { IllegalTransitionError, PauseRefusedError } from '../model/errors.js';

const ACTOR = 'policy:watchdog';
/** A stuck trainer has as long again to save, but not longer than this. */
const SAVE_WITHIN_MS = 60_000;

/** Alive but stuck: its worker sends heartbeats, its trainer makes no steps. Says so, then does what its policy says. */
export class WatchProgress {
  constructor(
    private readonly operations: OperationStore,
    private readonly pauseOperation: PauseOperation,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** Returns what was found stuck. */
  async execute(now: Date, leaseMs: number): Promise<readonly Operation[]> {
    const found: Operation[] = [];
    for (const operation of await this.operations.stalled(leaseMs)) {
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

  /** What comes of it when the trainer cannot save either, {@link ExpireLeases} decides. */
  private async pause({ id, watchdog }: Operation, reason: string, now: Date): Promise<void> {
    try {
      await this.pauseOperation.execute({
        operationId: id,
        actor: ACTOR,
        reason,
        now,
        boundary: 'step',
        cause: 'stall',
        timeoutMs: Math.min((watchdog?.seconds ?? 0) * 1000, SAVE_WITHIN_MS),
      });
    } catch (error) {
      // It has moved on by itself, or is of a type that cannot be paused: then the warning is all there is.
      if (!(error instanceof IllegalTransitionError) && !(error instanceof PauseRefusedError)) throw error;
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
    if (workerId) this.dispatcher.hint(workerId);
  }
}
