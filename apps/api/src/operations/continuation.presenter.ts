import type { ForkedView, ResumedView } from '@ktrdr/contracts';
import type { ForkPlan, Operation, Provenance, ResumePlan } from '@ktrdr/operations';
import { PrismaOperationStore, type WorkerRecord, WorkerRegistry } from '@ktrdr/operations-prisma';
import { Inject, Injectable } from '@nestjs/common';
import type { ApiConfig } from '../config.js';
import { CONFIG } from '../platform/tokens.js';
import { type Outlook, outlookOf } from './continuation-outlook.js';
import { toCheckpointSummary } from './operation.presenter.js';

const REMEMBER_WORKERS_MS = 1_000;

type Continuing = Pick<Operation, 'pool' | 'requirements' | 'backendChangeAllowed'>;

/** What a resume or a fork answers: where it goes on, what changes, and what is promised of the numbers. */
@Injectable()
export class ContinuationPresenter {
  private known: { readonly workers: Promise<readonly WorkerRecord[]>; readonly until: number } | undefined;

  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(WorkerRegistry) private readonly workers: WorkerRegistry,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  /** Asks already for what the answer will tell of the workers, beside the work that it is the answer to. */
  foresee(): void {
    void this.knownWorkers().catch(() => undefined); // who needs it asks again, and hears of it
  }

  async resumed(plan: ResumePlan, isDryRun: boolean): Promise<ResumedView> {
    const { operation, provenance, backendChange } = plan;
    const outlook = await this.outlook(provenance, {
      pool: operation.pool,
      // In a rehearsal the row is as it was.
      requirements: backendChange ? withBackend(operation.requirements, backendChange.to) : operation.requirements,
      backendChangeAllowed: operation.backendChangeAllowed || (backendChange?.isAllowed ?? false),
    });
    return {
      operation_id: operation.id,
      status: operation.status,
      queue_position: plan.queuePosition,
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
    const [position, outlook] = await Promise.all([
      fork ? this.operations.queuePosition(fork) : null,
      this.outlook(provenance, draft),
    ]);
    return {
      operation_id: fork?.id ?? null,
      name: fork?.name ?? draft.name,
      status: fork?.status ?? null,
      queue_position: position,
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
  ): Promise<Outlook> {
    const workers = provenance ? await this.knownWorkers() : [];
    const alive = workers.filter((worker) => worker.pool === pool && worker.silentMs < this.config.leaseMs);
    return outlookOf({ provenance, requirements, backendChangeAllowed, workers: alive });
  }

  /** As they were a second ago at most: who takes it is decided later anyway, and many resumes ask at once. */
  private knownWorkers(): Promise<readonly WorkerRecord[]> {
    const now = performance.now();
    if (this.known && now < this.known.until) return this.known.workers;
    const workers = this.workers.list();
    this.known = { workers, until: now + REMEMBER_WORKERS_MS };
    workers.catch(() => (this.known = undefined));
    return workers;
  }
}

function withBackend(requirements: readonly string[], backend: string | null): readonly string[] {
  const others = requirements.filter((tag) => !tag.startsWith('backend:'));
  return backend === null ? others : [...others, `backend:${backend}`];
}
