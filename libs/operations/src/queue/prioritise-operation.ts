import { IllegalTransitionError } from '../model/errors.js';
import type { Operation } from '../model/operation.js';
import { allowedActions } from '../model/transitions.js';
import type { OperationStore } from '../ports.js';

/** Moves a waiting operation in its pool's queue. */
export class PrioritiseOperation {
  constructor(private readonly operations: Pick<OperationStore, 'prioritise' | 'get'>) {}

  /**
   * @param priority operations of a higher one go first; `front` puts it before every other of its pool.
   * @throws {OperationNotFoundError} @throws {IllegalTransitionError} when it does not wait
   */
  async execute(operationId: string, priority: number | 'front', actor: string): Promise<Operation> {
    const moved = await this.operations.prioritise(operationId, priority, actor);
    if (moved) return moved;
    const { status } = await this.operations.get(operationId);
    throw new IllegalTransitionError({
      operationId,
      status,
      action: 'prioritise',
      allowedActions: allowedActions(status),
      reason: 'Only what waits for a worker has a place in the queue',
    });
  }
}
