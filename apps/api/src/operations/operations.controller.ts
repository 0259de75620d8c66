import { Controller, Inject } from '@nestjs/common';
import { type ActionView, type OperationPage, type OperationView, ROUTES } from '@ktrdr/contracts';
import {
  allowedActions,
  CancelOperation,
  DeleteOperation,
  type Operation,
  PauseOperation,
  SubmitOperation,
} from '@ktrdr/operations';
import { type Asked, Serves } from '../http/serves.js';
import { OperationQueries } from './operation-queries.js';

const routes = ROUTES.operations;

@Controller()
export class OperationsController {
  constructor(
    @Inject(SubmitOperation) private readonly submitOperation: SubmitOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(DeleteOperation) private readonly deleteOperation: DeleteOperation,
    @Inject(OperationQueries) private readonly queries: OperationQueries,
  ) {}

  @Serves(routes.submit)
  async submit({ body, actor, submissionKey }: Asked<typeof routes.submit>): Promise<OperationView> {
    this.queries.foresee();
    if (body.parent_id) await this.queries.assertExists(body.parent_id);
    const draft = this.queries.draft({ body, createdBy: actor, submissionKey, now: new Date() });
    return this.queries.submitted(await this.submitOperation.execute(draft));
  }

  @Serves(routes.retry)
  async retry({ id, actor, submissionKey }: Asked<typeof routes.retry>): Promise<OperationView> {
    const draft = await this.queries.retryDraft(id, { createdBy: actor, submissionKey, now: new Date() });
    return this.queries.submitted(await this.submitOperation.execute(draft));
  }

  @Serves(routes.prioritise)
  prioritise({ id, body, actor }: Asked<typeof routes.prioritise>): Promise<OperationView> {
    return this.queries.prioritise(id, body.priority, actor);
  }

  @Serves(routes.list)
  list({ query }: Asked<typeof routes.list>): Promise<OperationPage> {
    return this.queries.list(query);
  }

  @Serves(routes.show)
  show({ id }: Asked<typeof routes.show>): Promise<OperationView> {
    return this.queries.show(id);
  }

  @Serves(routes.remove)
  delete({ id }: Asked<typeof routes.remove>): Promise<void> {
    return this.deleteOperation.execute(id);
  }

  @Serves(routes.pause)
  async pause({ id, body, actor }: Asked<typeof routes.pause>): Promise<ActionView> {
    const { timeout_seconds: seconds, ...asked } = body;
    const timeoutMs = seconds === null ? null : seconds * 1000;
    const request = { operationId: id, actor, now: new Date(), timeoutMs, ...asked };
    return toActionView(await this.pauseOperation.execute(request));
  }

  @Serves(routes.cancel)
  async cancel({ id, body, actor }: Asked<typeof routes.cancel>): Promise<ActionView> {
    return toActionView(await this.cancelOperation.execute({ operationId: id, actor, now: new Date(), ...body }));
  }
}

const MESSAGES: Readonly<Partial<Record<Operation['status'], (operation: Operation) => string>>> = {
  pausing: ({ pauseRequest }) =>
    `It pauses at the next ${pauseRequest?.boundary ?? 'step'}, once its checkpoint is committed`,
  paused: () => 'It had not been taken by a worker and is paused at once',
  cancelling: ({ cancelRequest }) =>
    cancelRequest?.save === false
      ? 'Its worker is told; the work since the last checkpoint is discarded'
      : 'Its worker is told; it is cancelled once its checkpoint is committed',
  cancelled: () => 'No worker held it; it is cancelled',
};

function toActionView(operation: Operation): ActionView {
  return {
    operation_id: operation.id,
    status: operation.status,
    message: MESSAGES[operation.status]?.(operation) ?? operation.status,
    allowed_actions: [...allowedActions(operation.status)],
  };
}
