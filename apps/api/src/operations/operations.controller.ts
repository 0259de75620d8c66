import { randomBytes } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import { type ActionView, type OperationPage, type OperationView, ROUTES } from '@ktrdr/contracts';
import {
  allowedActions,
  CancelOperation,
  DeleteOperation,
  type NewOperation,
  type Operation,
  PauseOperation,
  PrioritiseOperation,
  SubmitOperation,
} from '@ktrdr/operations';
import { PrismaOperationStore } from '@ktrdr/operations-prisma';
import { type Asked, Serves } from '../http/serves.js';
import { toListRequest } from './operation-filter.js';
import { OperationPresenter } from './operation.presenter.js';

const routes = ROUTES.operations;

@Controller()
export class OperationsController {
  constructor(
    @Inject(SubmitOperation) private readonly submitOperation: SubmitOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(DeleteOperation) private readonly deleteOperation: DeleteOperation,
    @Inject(PrioritiseOperation) private readonly prioritiseOperation: PrioritiseOperation,
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(OperationPresenter) private readonly presenter: OperationPresenter,
  ) {}

  @Serves(routes.submit)
  async submit({ body, actor, submissionKey }: Asked<typeof routes.submit>): Promise<OperationView> {
    this.presenter.prefetchWorkers();
    const { parent_id: parentId, max_recoveries: maxRecoveries, watchdog, ...asked } = body;
    const submission = await this.submitOperation.execute({
      ...asked,
      ...newOperation(actor, submissionKey),
      name: body.name,
      parentId,
      maxRecoveries,
      watchdog: watchdog && { seconds: watchdog.seconds, onStall: watchdog.on_stall },
    });
    return this.presenter.submitted(submission);
  }

  @Serves(routes.retry)
  async retry({ id, actor, submissionKey }: Asked<typeof routes.retry>): Promise<OperationView> {
    return this.presenter.submitted(await this.submitOperation.retry(id, newOperation(actor, submissionKey)));
  }

  @Serves(routes.prioritise)
  async prioritise({ id, body, actor }: Asked<typeof routes.prioritise>): Promise<OperationView> {
    return this.presenter.one(await this.prioritiseOperation.execute(id, body.priority, actor));
  }

  @Serves(routes.list)
  async list({ query }: Asked<typeof routes.list>): Promise<OperationPage> {
    return this.presenter.page(await this.operations.list(toListRequest(query)));
  }

  @Serves(routes.show)
  async show({ id }: Asked<typeof routes.show>): Promise<OperationView> {
    return this.presenter.one(await this.operations.get(id));
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

/** What a new operation takes from its request, beside what is asked for. */
export function newOperation(createdBy: string, submissionKey: string | null): NewOperation {
  return { createdBy, submissionKey, now: new Date(), entropy: randomBytes(10) };
}

const MESSAGES: Readonly<Partial<Record<Operation['status'], (operation: Operation) => string>>> = {
  pausing: ({ pauseRequest }) =>
    `It pauses at the next ${pauseRequest?.boundary ?? 'step'}, once its checkpoint is committed`,
  paused: () => 'It had not been taken by a worker and is paused at once',
  cancelling: ({ cancelRequest }) =>
    cancelRequest?.save === false
      ? 'Its worker is notified; the work since the last checkpoint is discarded'
      : 'Its worker is notified; it is cancelled once its checkpoint is committed',
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
