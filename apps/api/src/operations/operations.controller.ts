import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import {
  type ActionView,
  CancelBody,
  ListQuery,
  OperationId,
  type OperationPage,
  type OperationView,
  PauseBody,
  PriorityBody,
  SubmitBody,
} from '@ktrdr/contracts';
import {
  allowedActions,
  CancelOperation,
  DeleteOperation,
  type Operation,
  OperationNotFoundError,
  PauseOperation,
  SubmitOperation,
} from '@ktrdr/operations';
import type { z } from 'zod';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { zod } from '../http/zod.pipe.js';
import { OperationQueries } from './operation-queries.js';

/** @throws {OperationNotFoundError} an id of another form cannot be the id of any operation */
export const operationId = {
  transform(value: string): string {
    if (!OperationId.safeParse(value).success) throw new OperationNotFoundError(value.slice(0, 100));
    return value;
  },
};

/** Kept with the operation, so that a submission repeated after a crash finds what the first one made. */
export function submissionKeyOf({ headers, apiToken, url }: AuthenticatedRequest): string | null {
  const key = headers['idempotency-key'];
  return typeof key === 'string' ? `${apiToken?.id} ${url.split('?')[0]} ${key}` : null;
}

@Controller('operations')
export class OperationsController {
  constructor(
    @Inject(SubmitOperation) private readonly submitOperation: SubmitOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(DeleteOperation) private readonly deleteOperation: DeleteOperation,
    @Inject(OperationQueries) private readonly queries: OperationQueries,
  ) {}

  @Post()
  @HttpCode(201)
  async submit(
    @Req() request: AuthenticatedRequest,
    @Body(zod(SubmitBody)) body: z.output<typeof SubmitBody>,
  ): Promise<OperationView> {
    this.queries.foresee();
    if (body.parent_id) await this.queries.assertExists(body.parent_id);
    const submissionKey = submissionKeyOf(request);
    const draft = this.queries.draft({ body, createdBy: actorOf(request), submissionKey, now: new Date() });
    return this.queries.submitted(await this.submitOperation.execute(draft));
  }

  /** A new operation with the same spec, from the beginning. */
  @Post(':id/retry')
  @HttpCode(201)
  async retry(@Req() request: AuthenticatedRequest, @Param('id', operationId) id: string): Promise<OperationView> {
    const draft = await this.queries.retryDraft(id, {
      createdBy: actorOf(request),
      submissionKey: submissionKeyOf(request),
      now: new Date(),
    });
    return this.queries.submitted(await this.submitOperation.execute(draft));
  }

  @Post(':id/priority')
  @HttpCode(200)
  prioritise(
    @Req() request: AuthenticatedRequest,
    @Param('id', operationId) id: string,
    @Body(zod(PriorityBody)) { priority }: z.output<typeof PriorityBody>,
  ): Promise<OperationView> {
    return this.queries.prioritise(id, priority, actorOf(request));
  }

  @Get()
  list(@Query(zod(ListQuery, 'query')) query: z.output<typeof ListQuery>): Promise<OperationPage> {
    return this.queries.list(query);
  }

  @Get(':id')
  show(@Param('id', operationId) id: string): Promise<OperationView> {
    return this.queries.show(id);
  }

  @Delete(':id')
  @HttpCode(204)
  delete(@Param('id', operationId) id: string): Promise<void> {
    return this.deleteOperation.execute(id);
  }

  @Post(':id/pause')
  @HttpCode(202)
  async pause(
    @Req() request: AuthenticatedRequest,
    @Param('id', operationId) id: string,
    @Body(zod(PauseBody)) body: z.output<typeof PauseBody>,
  ): Promise<ActionView> {
    const { boundary, cause, reason, timeout_seconds } = body;
    const operation = await this.pauseOperation.execute({
      operationId: id,
      actor: actorOf(request),
      now: new Date(),
      boundary,
      cause,
      reason,
      timeoutMs: timeout_seconds === null ? null : timeout_seconds * 1000,
    });
    return toActionView(operation);
  }

  @Post(':id/cancel')
  @HttpCode(202)
  async cancel(
    @Req() request: AuthenticatedRequest,
    @Param('id', operationId) id: string,
    @Body(zod(CancelBody)) body: z.output<typeof CancelBody>,
  ): Promise<ActionView> {
    const actor = actorOf(request);
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
