import type { ForkedView, ResumedView } from '@ktrdr/contracts';
import {
  type ForkPlan,
  isLeased,
  onBackend,
  type Operation,
  type Outlook,
  outlookOf,
  type Provenance,
  type ResumePlan,
  whyUnschedulable,
} from '@ktrdr/operations';
import { PrismaOperationStore } from '@ktrdr/operations-prisma';
import { Inject, Injectable } from '@nestjs/common';
import { KnownWorkers } from './known-workers.js';
import { toCheckpointSummary } from './operation.presenter.js';

type Continuing = Pick<Operation, 'pool' | 'requirements' | 'backendChangeAllowed'>;

/** What a resume or a fork answers: where it goes on, what changes, and what is promised of the numbers. */
@Injectable()
export class ContinuationPresenter {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(KnownWorkers) private readonly workers: KnownWorkers,
  ) {}

  /** Prefetches the worker list while the resume runs. */
  prefetchWorkers(): void {
    this.workers.prefetch();
  }

  async resumed(plan: ResumePlan, isDryRun: boolean): Promise<ResumedView> {
    const { operation, provenance, backendChange } = plan;
    const { unschedulable, ...outlook } = await this.outlook(provenance, {
      pool: operation.pool,
      // In a rehearsal the row is as it was.
      requirements: backendChange ? onBackend(operation.requirements, backendChange.to) : operation.requirements,
      backendChangeAllowed: operation.backendChangeAllowed || (backendChange?.isAllowed ?? false),
    });
    return {
      operation_id: operation.id,
      status: operation.status,
      queue_position: plan.queuePosition,
      // After a withdrawn pause it does not wait for a worker.
      unschedulable: isLeased(operation.status) ? null : unschedulable,
      resumed_from: plan.checkpoint ? toCheckpointSummary(plan.checkpoint) : null,
      lost_steps: plan.lostSteps,
      fell_back_from: plan.fellBackFrom,
      changes: plan.changes.map((change) => ({ ...change })),
      guarantee: outlook.guarantee,
      drift: [...outlook.drift],
      dry_run: isDryRun,
    };
  }

  async forked({ origin, checkpoint, provenance, lostSteps, draft, fork }: ForkPlan): Promise<ForkedView> {
    const [position, { unschedulable, ...outlook }] = await Promise.all([
      fork ? this.operations.queuePosition(fork) : null,
      this.outlook(provenance, draft),
    ]);
    return {
      operation_id: fork?.id ?? null,
      name: fork?.name ?? draft.name,
      status: fork?.status ?? null,
      queue_position: position,
      unschedulable,
      forked_from: { ...toCheckpointSummary(checkpoint), operation_id: origin.id, status: origin.status },
      lost_steps: lostSteps,
      fell_back_from: draft.origin.fellBackFrom,
      changes: draft.origin.changes.map((change) => ({ ...change })),
      guarantee: outlook.guarantee,
      drift: [...outlook.drift],
      dry_run: fork === null,
    };
  }

  private async outlook(
    provenance: Provenance | null,
    { pool, requirements, backendChangeAllowed }: Continuing,
  ): Promise<Outlook & { readonly unschedulable: ResumedView['unschedulable'] }> {
    const workers = await this.workers.lately(pool);
    return {
      ...outlookOf({ provenance, requirements, backendChangeAllowed, workers }),
      unschedulable: whyUnschedulable({ pool, requirements }, workers),
    };
  }
}
