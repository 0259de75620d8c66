import { Controller, Inject, Res } from '@nestjs/common';
import { type ForkedView, type ResumedView, ROUTES } from '@ktrdr/contracts';
import { ForkOperation, ResumeOperation } from '@ktrdr/operations';
import type { FastifyReply } from 'fastify';
import { ulid } from 'ulid';
import { type Asked, Serves } from '../http/serves.js';
import { ContinuationPresenter } from './continuation.presenter.js';
import { newOperation } from './operations.controller.js';

const routes = ROUTES.operations;

/** Going on from a checkpoint: as the same operation, or as a new one. */
@Controller()
export class ContinuationsController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(ForkOperation) private readonly forkOperation: ForkOperation,
    @Inject(ContinuationPresenter) private readonly presenter: ContinuationPresenter,
  ) {}

  @Serves(routes.resume)
  async resume({ id, body, actor }: Asked<typeof routes.resume>): Promise<ResumedView> {
    this.presenter.prefetchWorkers();
    const plan = await this.resumeOperation.execute({
      operationId: id,
      choice: body.checkpoint,
      allowFallback: body.allow_fallback,
      depth: body.deep ? 'deep' : 'quick',
      dryRun: body.dry_run,
      actor,
      reason: null,
      changes: { overrides: body.overrides, allowBackendChange: body.allow_backend_change },
    });
    return this.presenter.resumed(plan, body.dry_run);
  }

  /** A new operation that continues from a checkpoint of this one, whatever its status. */
  @Serves(routes.fork)
  async fork(
    { id, body, actor, submissionKey }: Asked<typeof routes.fork>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ForkedView> {
    const plan = await this.forkOperation.execute({
      operationId: id,
      choice: body.checkpoint,
      allowFallback: body.allow_fallback,
      dryRun: body.dry_run,
      changes: { overrides: body.overrides, allowBackendChange: body.allow_backend_change },
      name: body.name,
      labels: body.labels,
      priority: body.priority,
      ...newOperation(actor, submissionKey),
      newCheckpointId: ulid,
    });
    void reply.status(plan.fork ? 201 : 200); // a rehearsal has created nothing
    return this.presenter.forked(plan);
  }
}
