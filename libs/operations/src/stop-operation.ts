import { IllegalTransitionError, PauseRefusedError } from './errors.js';
import type { Operation } from './operation.js';
import type { Dispatcher, OperationStore } from './ports.js';
import { allowedActions, type ClientAction } from './transitions.js';

/** Types of operations that save checkpoints, and so can be paused. */
export const PAUSABLE_TYPES: readonly string[] = ['training'];

export interface StopRequest {
  readonly operationId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly now: Date;
}

/** Asks for a stop that can be resumed. `paused` follows only once a checkpoint is committed. */
export class PauseOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** @throws {PauseRefusedError} @throws {IllegalTransitionError} */
  async execute({ operationId, actor, reason, now, boundary }: StopRequest & { readonly boundary: 'step' | 'epoch' }) {
    const { type } = await this.operations.get(operationId);
    if (!PAUSABLE_TYPES.includes(type)) throw new PauseRefusedError(operationId, type);
    const outcome = await this.operations.transition({
      operationId,
      event: 'pause',
      actor,
      reason,
      expect: {},
      changes: { pauseRequest: { boundary, reason, requestedBy: actor, requestedAt: now.toISOString() } },
      details: { boundary },
    });
    if (outcome.kind === 'refused') throw refusal(outcome.operation, 'pause');
    hintWorker(this.dispatcher, outcome.operation);
    return outcome.operation;
  }
}

/** Asks for the end of an operation. It is `cancelled` only once its worker has confirmed, or is known to be gone. */
export class CancelOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** @throws {IllegalTransitionError} */
  async execute({ operationId, actor, reason, now, save }: StopRequest & { readonly save: boolean }) {
    const outcome = await this.operations.transition({
      operationId,
      event: 'cancel',
      actor,
      reason,
      expect: {},
      changes: { cancelRequest: { save, reason, requestedBy: actor, requestedAt: now.toISOString() } },
      details: { save },
    });
    if (outcome.kind === 'refused') throw refusal(outcome.operation, 'cancel');
    hintWorker(this.dispatcher, outcome.operation);
    return outcome.operation;
  }
}

function hintWorker(dispatcher: Dispatcher, { id, workerId }: Operation): void {
  if (workerId) dispatcher.hint(workerId, id);
}

function refusal({ id, status }: Operation, action: ClientAction): IllegalTransitionError {
  return new IllegalTransitionError({ operationId: id, status, action, allowedActions: allowedActions(status) });
}
