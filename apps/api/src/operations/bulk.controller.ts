import { Controller, Inject } from '@nestjs/common';
import { type BulkView, ROUTES } from '@ktrdr/contracts';
import {
  BulkAction,
  type BulkRequest,
  CancelOperation,
  NO_CHANGES,
  PauseOperation,
  ResumeOperation,
} from '@ktrdr/operations';
import { type Asked, Serves } from '../http/serves.js';
import { toFilter } from './operation-filter.js';

const routes = ROUTES.operations;

/** The same action on every operation that matches, each with its own outcome. */
@Controller()
export class BulkController {
  constructor(
    @Inject(ResumeOperation) private readonly resumeOperation: ResumeOperation,
    @Inject(PauseOperation) private readonly pauseOperation: PauseOperation,
    @Inject(CancelOperation) private readonly cancelOperation: CancelOperation,
    @Inject(BulkAction) private readonly bulk: BulkAction,
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
        changes: NO_CHANGES,
      });
    return this.all({
      filter: toFilter(filter),
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
    return this.all({ filter: toFilter(filter), isDryRun: dry_run, action: 'pause', act });
  }

  @Serves(routes.cancelAll)
  cancel({ body, actor }: Asked<typeof routes.cancelAll>): Promise<BulkView> {
    const { filter, dry_run, ...cancel } = body;
    const common = { actor, now: new Date(), ...cancel };
    const act = (operationId: string) => this.cancelOperation.execute({ operationId, ...common });
    return this.all({ filter: toFilter(filter), isDryRun: dry_run, action: 'cancel', act });
  }

  private async all(request: BulkRequest): Promise<BulkView> {
    const { matched, leftOut, done, items } = await this.bulk.execute(request);
    return {
      dry_run: request.isDryRun,
      matched,
      left_out: leftOut,
      done,
      items: items.map(({ operation: { id, name, status }, ...item }) => ({ operation_id: id, name, status, ...item })),
    };
  }
}
