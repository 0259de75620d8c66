import type { Operation } from '../model/operation.js';
import type { Dispatcher, OperationStore, OverdueLimits, TransitionOutcome } from '../ports.js';

/** Frees what dead workers hold, and ends what waits too long for a live one. */
export class ExpireLeases {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
  ) {}

  /**
   * Returns what was freed.
   * @param limits null: it looks at leases alone.
   * @param mayStill asked before each step: answers that were long on their way say nothing about who is alive now.
   */
  async execute(limits: OverdueLimits | null, mayStill: () => boolean = () => true): Promise<readonly Operation[]> {
    const outcomes: TransitionOutcome[] = [];
    const each = async (found: readonly Operation[], end: (operation: Operation) => Promise<TransitionOutcome>) => {
      for (const operation of found) if (mayStill()) outcomes.push(await end(operation));
    };
    await each(await this.operations.expiredLeases(), (operation) => this.expire(operation));
    if (limits === null) return freedOf(outcomes);
    await each(await this.operations.overdue(limits), (operation) => {
      if (operation.status === 'cancelling') return this.forceCancel(operation);
      if (operation.pauseRequest?.cause === 'stall') return this.takeFromStuck(operation);
      return this.abandonPause(operation, limits.pausingMs);
    });
    return freedOf(outcomes);
  }

  private async expire({ id, attempt, workerId }: Operation): Promise<TransitionOutcome> {
    const outcome = await this.operations.transition({
      operationId: id,
      event: 'lease-expired',
      actor: 'sweeper',
      reason: `worker ${workerId} sent no heartbeat for a whole lease`,
      expect: { attempt, leaseExpired: true },
      // It may have moved since it was read: what counts only for some targets, the store applies only to those.
      changes: {
        recoveryBudget: 'spend',
        resumeCheckpointId: null,
        error: {
          code: 'recovery-exhausted',
          message: `Worker ${workerId} was lost and the recovery budget is spent; resume continues from the last checkpoint`,
          details: { worker_id: workerId },
        },
      },
      details: { worker_id: workerId },
    });
    if (outcome.kind === 'applied') this.dispatcher.announce(outcome.operation);
    return outcome;
  }

  private forceCancel({ id, attempt, workerId }: Operation): Promise<TransitionOutcome> {
    return this.operations.transition({
      operationId: id,
      event: 'cancelled',
      actor: 'sweeper',
      reason: `worker ${workerId} did not confirm in time; its later writes are refused`,
      expect: { attempt },
      changes: { warning: { code: 'cancel-forced', message: `worker ${workerId} did not confirm the cancel in time` } },
      details: { worker_id: workerId },
    });
  }

  /** Back to running would mean back to being stuck: it is paused where it was saved last, and its trainer is killed. */
  private async takeFromStuck({ id, attempt, version, workerId }: Operation): Promise<TransitionOutcome> {
    const message = 'its trainer was stuck and could not save; it is paused at its last checkpoint';
    const outcome = await this.operations.transition({
      operationId: id,
      event: 'release',
      actor: 'policy:watchdog',
      reason: message,
      // Who has withdrawn the pause meanwhile wants it to run.
      expect: { attempt, version },
      changes: { resumeCheckpointId: null, warning: { code: 'trainer-stalled', message } },
      details: { worker_id: workerId },
    });
    if (outcome.kind === 'applied' && workerId) this.dispatcher.hint(workerId);
    return outcome;
  }

  private async abandonPause({ id, attempt, workerId }: Operation, afterMs: number): Promise<TransitionOutcome> {
    const message = `the pause was given up: no checkpoint within ${Math.round(afterMs / 1000)} s`;
    const outcome = await this.operations.transition({
      operationId: id,
      event: 'pause-failed',
      actor: 'sweeper',
      reason: message,
      expect: { attempt },
      changes: { pauseRequest: null, warning: { code: 'pause-timed-out', message } },
      details: {},
    });
    if (outcome.kind === 'applied' && workerId) this.dispatcher.hint(workerId);
    return outcome;
  }
}

function freedOf(outcomes: readonly TransitionOutcome[]): readonly Operation[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'applied' ? [outcome.operation] : []));
}
