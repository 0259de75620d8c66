import { IllegalTransitionError, PauseRefusedError } from '../model/errors.js';
import { isSettled, type PauseCause } from '../model/status.js';
import type { Operation } from '../model/operation.js';
import { isPausable } from '../spec/operation-types.js';
import type { Dispatcher, OperationStore } from '../ports.js';
import { allowedActions, type ClientAction } from '../model/transitions.js';

export interface StopRequest {
  readonly operationId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly now: Date;
}

export interface PauseCommand extends StopRequest {
  readonly boundary: 'step' | 'epoch';
  readonly cause: PauseCause;
  /** null: the service's own limit. */
  readonly timeoutMs: number | null;
}

/** Asks for a stop that can be resumed. `paused` follows only once a checkpoint is committed. */
export class PauseOperation {
  constructor(
    private readonly operations: OperationStore,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** @throws {PauseRefusedError} @throws {IllegalTransitionError} */
  async execute({ operationId, actor, reason, now, boundary, cause, timeoutMs }: PauseCommand) {
    const operation = await this.operations.get(operationId);
    if (!isPausable(operation)) throw new PauseRefusedError(operationId, operation.type);
    const requestedAt = now.toISOString();
    const outcome = await this.operations.transition({
      operationId,
      event: 'pause',
      actor,
      reason,
      expect: {},
      changes: { pauseRequest: { boundary, cause, reason, timeoutMs, requestedBy: actor, requestedAt } },
      details: { boundary, cause },
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
    await this.cascade(operationId, { actor, reason, now, save });
    return outcome.operation;
  }

  /** What belongs to a cancelled operation is cancelled with it; a child that ends by itself meanwhile is left. */
  private async cascade(parentId: string, request: Omit<StopRequest, 'operationId'> & { readonly save: boolean }) {
    for (const { id, status } of await this.operations.childrenOf(parentId)) {
      if (isSettled(status) && status !== 'paused') continue;
      try {
        await this.execute({ ...request, operationId: id, reason: request.reason ?? `with its parent ${parentId}` });
      } catch (error) {
        if (!(error instanceof IllegalTransitionError)) throw error;
      }
    }
  }
}

function hintWorker(dispatcher: Dispatcher, { workerId }: Operation): void {
  if (workerId) dispatcher.hint(workerId);
}

function refusal({ id, status }: Operation, action: ClientAction): IllegalTransitionError {
  return new IllegalTransitionError({ operationId: id, status, action, allowedActions: allowedActions(status) });
}
