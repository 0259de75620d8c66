import { Inject, Injectable } from '@nestjs/common';
import type { ExplainView, OperationPage, OperationView, ParsedQuery, ResultView, ROUTES } from '@ktrdr/contracts';
import {
  allowedActions,
  assertAllowed,
  explain,
  finalOf,
  IllegalTransitionError,
  isWaiting,
  lackOfWorkers,
  type Operation,
  type OperationDraft,
  type Submission,
  traitsOf,
} from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import type { ApiConfig } from '../config.js';
import { NoResultError } from '../http/errors.js';
import { CONFIG } from '../platform/tokens.js';
import { toDraft, toRetryDraft } from './draft.js';
import { encodeCursor, parseCursor } from './list-cursor.js';
import { KnownWorkers } from './known-workers.js';
import { OperationPresenter, toCheckpointSummary } from './operation.presenter.js';

/** What can be asked about operations. Everything is read from PostgreSQL. */
@Injectable()
export class OperationQueries {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(KnownWorkers) private readonly workers: KnownWorkers,
    @Inject(OperationPresenter) private readonly presenter: OperationPresenter,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {}

  /** Asks already for what the answer to a submission will tell of the workers. */
  foresee(): void {
    this.workers.foresee();
  }

  /** With what keeps it waiting, where no live worker can take it. */
  async view(operation: Operation): Promise<OperationView> {
    const [view, lack] = await Promise.all([this.presenter.one(operation), this.lackOf(operation)]);
    return { ...view, no_fitting_worker: lack };
  }

  async submitted(submission: Submission): Promise<OperationView> {
    if (!submission.isNew) return this.view(submission.operation);
    const { operation, queuePosition } = submission;
    return { ...this.presenter.fresh(operation, queuePosition), no_fitting_worker: await this.lackOf(operation) };
  }

  async show(id: string): Promise<OperationView> {
    return this.view(await this.operations.get(id));
  }

  async list(query: ParsedQuery<typeof ROUTES.operations.list>): Promise<OperationPage> {
    const { status, type, text, parent_id, label, created_after, created_before, limit, cursor } = query;
    const { items, hasMore, total, active, byStatus } = await this.operations.list({
      limit,
      ...(status ? { statuses: status } : {}),
      ...(type ? { type } : {}),
      ...(text ? { text } : {}),
      ...(parent_id ? { parentId: parent_id } : {}),
      ...(label ? { labels: label } : {}),
      ...(created_after ? { createdAfter: new Date(created_after) } : {}),
      ...(created_before ? { createdBefore: new Date(created_before) } : {}),
      ...(cursor ? { after: parseCursor(cursor) } : {}),
    });
    const last = items.at(-1);
    return {
      items: await this.presenter.many(items),
      next_cursor: hasMore && last ? encodeCursor(last) : null,
      total,
      active,
      by_status: { ...byStatus },
    };
  }

  /** @throws {OperationNotFoundError} */
  async assertExists(id: string): Promise<void> {
    await this.operations.get(id);
  }

  /**
   * @throws {SpecInvalidError} naming every offending path
   * @throws {TrainerNotAllowedError}
   */
  draft(submission: Parameters<typeof toDraft>[0]): OperationDraft {
    return toDraft(submission, this.config);
  }

  /**
   * @throws {IllegalTransitionError} while it has not ended
   * @throws {TrainerNotAllowedError}
   */
  async retryDraft(id: string, submission: Parameters<typeof toRetryDraft>[1]): Promise<OperationDraft> {
    const operation = await this.operations.get(id);
    assertAllowed(operation, 'retry');
    return toRetryDraft(operation, submission, this.config);
  }

  /** @throws {IllegalTransitionError} when it does not wait */
  async prioritise(id: string, priority: number | 'front', actor: string): Promise<OperationView> {
    const moved = await this.operations.prioritise(id, priority, actor);
    if (moved) return this.presenter.one(moved);
    const { status } = await this.operations.get(id);
    throw new IllegalTransitionError({
      operationId: id,
      status,
      action: 'prioritise',
      allowedActions: allowedActions(status),
      reason: 'Only what waits for a worker has a place in the queue',
    });
  }

  async explain(id: string): Promise<ExplainView> {
    const operation = await this.operations.get(id);
    const [queuePosition, checkpoints, workers] = await Promise.all([
      this.operations.queuePosition(operation),
      this.checkpoints.ofOperation(id),
      this.workers.of(operation.pool),
    ]);
    const explanation = explain({
      operation,
      queuePosition,
      checkpoints,
      workers,
      now: new Date(),
      leaseMs: this.config.leaseMs,
    });
    const pausable = traitsOf(operation.type).isPausable;
    return {
      operation_id: id,
      status: operation.status,
      summary: explanation.summary,
      reasons: [...explanation.reasons],
      next: explanation.next,
      allowed_actions: [...allowedActions(operation.status, { pausable })],
    };
  }

  /** @throws {NoResultError} before it is completed */
  async result(id: string): Promise<ResultView> {
    const { status, result } = await this.operations.get(id);
    if (status !== 'completed' || !result) throw new NoResultError({ operation_id: id, status });
    const final = finalOf(await this.checkpoints.ofOperation(id));
    return {
      operation_id: id,
      result: { ...result },
      checkpoint: final ? toCheckpointSummary(final) : null,
      files: final ? [...final.files] : [],
    };
  }

  private async lackOf(operation: Operation): Promise<string | null> {
    return isWaiting(operation.status) ? lackOfWorkers(operation, await this.workers.lately(operation.pool)) : null;
  }
}
