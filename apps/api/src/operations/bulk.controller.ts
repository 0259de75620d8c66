import { Body, Controller, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { BulkCancelBody, BulkPauseBody, BulkResumeBody, type BulkView } from '@ktrdr/contracts';
import { CancelOperation, PauseOperation, ResumeOperation } from '@ktrdr/operations';
import type { z } from 'zod';
import type { ApiConfig } from '../config.js';
import { actorOf, type AuthenticatedRequest } from '../http/bearer-token.guard.js';
import { zod } from '../http/zod.pipe.js';
import { CONFIG } from '../platform/tokens.js';
import { BulkAction } from './bulk-action.js';
import { assertTrainerAllowed } from './draft.js';

/** The same action on every operation that matches, each with its own outcome. */
@Controller('operations')
export class BulkController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(BulkAction) private readonly bulk: BulkAction,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Post('resume')
  @HttpCode(200)
  resume(
    @Req() request: AuthenticatedRequest,
    @Body(zod(BulkResumeBody)) { filter, dry_run, checkpoint, allow_fallback }: z.output<typeof BulkResumeBody>,
  ): Promise<BulkView> {
    const actor = actorOf(request);
    const act = (operationId: string, dryRun: boolean) =>
      this.resumeOperation.execute({
        operationId,
        choice: checkpoint,
        allowFallback: allow_fallback,
        depth: 'quick',
        dryRun,
        actor,
        reason: null,
        override: (operation) => {
          assertTrainerAllowed(operation, this.config);
          return null;
        },
      });
    return this.bulk.execute({
      filter,
      isDryRun: dry_run,
      action: 'resume',
      act: (id) => act(id, false),
      try: (id) => act(id, true),
    });
  }

  @Post('pause')
  @HttpCode(200)
  pause(
    @Req() request: AuthenticatedRequest,
    @Body(zod(BulkPauseBody)) { filter, dry_run, timeout_seconds, ...pause }: z.output<typeof BulkPauseBody>,
  ): Promise<BulkView> {
    const timeoutMs = timeout_seconds === null ? null : timeout_seconds * 1000;
    const common = { actor: actorOf(request), now: new Date(), timeoutMs, ...pause };
    const act = (operationId: string) => this.pauseOperation.execute({ operationId, ...common });
    return this.bulk.execute({ filter, isDryRun: dry_run, action: 'pause', act });
  }

  @Post('cancel')
  @HttpCode(200)
  cancel(
    @Req() request: AuthenticatedRequest,
    @Body(zod(BulkCancelBody)) { filter, dry_run, ...cancel }: z.output<typeof BulkCancelBody>,
  ): Promise<BulkView> {
    const common = { actor: actorOf(request), now: new Date(), ...cancel };
    const act = (operationId: string) => this.cancelOperation.execute({ operationId, ...common });
    return this.bulk.execute({ filter, isDryRun: dry_run, action: 'cancel', act });
  }
}
