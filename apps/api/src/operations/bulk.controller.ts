import { Controller, Inject } from '@nestjs/common';
import { type BulkView, ROUTES } from '@ktrdr/contracts';
import { CancelOperation, PauseOperation, ResumeOperation } from '@ktrdr/operations';
import type { ApiConfig } from '../config.js';
import { type Asked, Serves } from '../http/serves.js';
import { CONFIG } from '../platform/tokens.js';
import { BulkAction } from './bulk-action.js';
import { assertTrainerAllowed } from './draft.js';

const routes = ROUTES.operations;

/** The same action on every operation that matches, each with its own outcome. */
@Controller()
export class BulkController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(BulkAction) private readonly bulk: BulkAction,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Serves(routes.resumeAll)
  resume({ body, actor }: Asked<typeof routes.resumeAll>): Promise<BulkView> {
    const { filter, dry_run, checkpoint, allow_fallback } = body;
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

  @Serves(routes.pauseAll)
  pause({ body, actor }: Asked<typeof routes.pauseAll>): Promise<BulkView> {
    const { filter, dry_run, timeout_seconds, ...pause } = body;
    const timeoutMs = timeout_seconds === null ? null : timeout_seconds * 1000;
    const common = { actor, now: new Date(), timeoutMs, ...pause };
    const act = (operationId: string) => this.pauseOperation.execute({ operationId, ...common });
    return this.bulk.execute({ filter, isDryRun: dry_run, action: 'pause', act });
  }

  @Serves(routes.cancelAll)
  cancel({ body, actor }: Asked<typeof routes.cancelAll>): Promise<BulkView> {
    const { filter, dry_run, ...cancel } = body;
    const common = { actor, now: new Date(), ...cancel };
    const act = (operationId: string) => this.cancelOperation.execute({ operationId, ...common });
    return this.bulk.execute({ filter, isDryRun: dry_run, action: 'cancel', act });
  }
}
