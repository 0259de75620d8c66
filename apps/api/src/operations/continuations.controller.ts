import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ForkBody, type ForkedView, ResumeBody, type ResumedView } from '@ktrdr/contracts';
import { ForkOperation, ResumeOperation } from '@ktrdr/operations';
import type { FastifyReply } from 'fastify';
import { ulid } from 'ulid';
import type { z } from 'zod';
import type { ApiConfig } from '../config.js';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { zod } from '../http/zod.pipe.js';
import { CONFIG } from '../platform/tokens.js';
import { ContinuationPresenter } from './continuation.presenter.js';
import { assertTrainerAllowed } from './draft.js';
import { type AskedChanges, changesNothing, prepareOverride } from './effective-spec.js';
import { toForkDraft } from './fork-draft.js';
import { operationId, submissionKeyOf } from './operations.controller.js';

/** Going on from a checkpoint: as the same operation, or as a new one. */
@Controller('operations')
export class ContinuationsController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(ForkOperation) private readonly forkOperation: ForkOperation,
    @Inject(ContinuationPresenter) private readonly presenter: ContinuationPresenter,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Post(':id/resume')
  @HttpCode(202)
  async resume(
    @Req() request: AuthenticatedRequest,
    @Param('id', operationId) id: string,
    @Body(zod(ResumeBody)) body: z.output<typeof ResumeBody>,
  ): Promise<ResumedView> {
    const asked: AskedChanges = { overrides: body.overrides, allowBackendChange: body.allow_backend_change };
    this.presenter.foresee();
    const plan = await this.resumeOperation.execute({
      operationId: id,
      choice: body.checkpoint,
      allowFallback: body.allow_fallback,
      depth: body.deep ? 'deep' : 'quick',
      dryRun: body.dry_run,
      actor: actorOf(request),
      reason: null,
      override: (operation, checkpoint) => {
        assertTrainerAllowed(operation, this.config);
        return changesNothing(asked) ? null : prepareOverride(operation, checkpoint, asked);
      },
    });
    return this.presenter.resumed(plan, body.dry_run);
  }

  /** A new operation that continues from a checkpoint of this one, whatever its status. */
  @Post(':id/fork')
  @HttpCode(201)
  async fork(
    @Req() request: AuthenticatedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id', operationId) id: string,
    @Body(zod(ForkBody)) body: z.output<typeof ForkBody>,
  ): Promise<ForkedView> {
    const submission = {
      body,
      createdBy: actorOf(request),
      submissionKey: submissionKeyOf(request),
      now: new Date(),
    };
    const plan = await this.forkOperation.execute({
      operationId: id,
      choice: body.checkpoint,
      allowFallback: body.allow_fallback,
      dryRun: body.dry_run,
      draft: (origin, choice) => toForkDraft(origin, choice, submission, this.config),
      newCheckpointId: ulid,
    });
    void reply.status(plan.fork ? 201 : 200); // a rehearsal has created nothing
    return this.presenter.forked(plan);
  }
}
