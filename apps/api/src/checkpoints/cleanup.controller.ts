import { Controller, Inject } from '@nestjs/common';
import { CleanUpCheckpoints, emptyReport, ScheduledSweep } from '@ktrdr/checkpoint';
import { type CleanupView, ROUTES } from '@ktrdr/contracts';
import { PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { type Asked, Serves } from '../http/serves.js';
import { CONFIG } from '../platform/tokens.js';
import { toCleanupView } from './cleanup.presenter.js';

const route = ROUTES.checkpoints.cleanUp;
const DAY_MS = 24 * 3_600_000;

/** Clean-up on request; a dry run unless told otherwise. */
@Controller()
export class CleanupController {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(CleanUpCheckpoints) private readonly cleanUp: CleanUpCheckpoints,
    @Inject(ScheduledSweep) private readonly orphans: ScheduledSweep,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  @Serves(route)
  async cleanup({ body }: Asked<typeof route>): Promise<CleanupView> {
    const { dry_run: dryRun, older_than_days: days, keep_last: keepLast, max_total_bytes: maxTotalBytes } = body;
    const { operation_id: operationId } = body;
    if (operationId !== undefined) await this.operations.get(operationId);
    const cleaned = await this.cleanUp.execute({
      dryRun,
      ...(keepLast === undefined ? {} : { keepLast }),
      ...(days === undefined ? {} : { createdBefore: new Date(Date.now() - days * DAY_MS) }),
      ...(maxTotalBytes === undefined ? {} : { maxTotalBytes }),
      ...(operationId === undefined ? {} : { operationId }),
    });
    return toCleanupView(cleaned, await this.swept(body), dryRun);
  }

  private async swept(body: Asked<typeof route>['body']) {
    const { operation_id, include_orphans, orphan_grace_seconds: seconds, dry_run: dryRun } = body;
    if (!include_orphans) return emptyReport('it was not asked for');
    if (operation_id !== undefined) return emptyReport('only one operation was asked for');
    const graceMs = seconds === undefined ? this.config.orphanGraceMs : seconds * 1000;
    return this.orphans.sweep({ modifiedBefore: new Date(Date.now() - graceMs), dryRun });
  }
}
