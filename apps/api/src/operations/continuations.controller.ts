import { Controller, Inject, Res } from '@nestjs/common';
import { type ForkedView, type ResumedView, ROUTES } from '@ktrdr/contracts';
import { ForkOperation, ResumeOperation } from '@ktrdr/operations';
import type { FastifyReply } from 'fastify';
import { ulid } from 'ulid';
import type { ApiConfig } from '../config.js';
import { type Asked, Serves } from '../http/serves.js';
import { CONFIG } from '../platform/tokens.js';
import { ContinuationPresenter } from './continuation.presenter.js';
import { assertTrainerAllowed } from './draft.js';
import { type AskedChanges, changesNothing, prepareOverride } from './effective-spec.js';
import { toForkDraft } from './fork-draft.js';

const routes = ROUTES.operations;

/** Going on from a checkpoint: as the same operation, or as a new one. */
@Controller()
export class ContinuationsController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(ForkOperation) private readonly forkOperation: ForkOperation,
    @Inject(ContinuationPresenter) private readonly presenter: ContinuationPresenter,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Serves(routes.resume)
  async resume({ id, body, actor }: Asked<typeof routes.resume>): Promise<ResumedView> {
    const asked: AskedChanges = { overrides: body.overrides, allowBackendChange: body.allow_backend_change };
    this.presenter.foresee();
    const plan = await this.resumeOperation.execute({
      operationId: id,
      choice: body.checkpoint,
      allowFallback: body.allow_fallback,
      depth: body.deep ? 'deep' : 'quick',
      dryRun: body.dry_run,
      actor,
      reason: null,
      override: (operation, checkpoint) => {
        assertTrainerAllowed(operation, this.config);
        return changesNothing(asked) ? null : prepareOverride(operation, checkpoint, asked);
      },
    });
    return this.presenter.resumed(plan, body.dry_run);
  }

  /** A new operation that continues from a checkpoint of this one, whatever its status. */
  @Serves(routes.fork)
  async fork(
    { id, body, actor, submissionKey }: Asked<typeof routes.fork>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ForkedView> {
    const submission = { body, createdBy: actor, submissionKey, now: new Date() };
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
