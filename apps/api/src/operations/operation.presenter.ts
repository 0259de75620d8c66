import {
  type CheckpointSummary as CheckpointSummarySchema,
  type OperationPage,
  type OperationView,
} from '@ktrdr/contracts';
import { suggestOverrides } from '@ktrdr/specs';
import {
  actionsOf,
  allowedActions,
  type Checkpoint,
  type ClientAction,
  clocksAt,
  type HistoryEntry,
  isPausable,
  isWaiting,
  type Operation,
  type OperationList,
  pastPauses,
  remainingTime,
  type Submission,
  trainingSpecOf,
  traitsOf,
  whyUnschedulable,
} from '@ktrdr/operations';
import {
  type ChildrenOfStatus,
  PrismaCheckpointRepository,
  PrismaForkStore,
  OperationRecords,
  PrismaOperationStore,
} from '@ktrdr/operations-prisma';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { toCheckpointingView } from './checkpointing.presenter.js';
import { KnownWorkers } from './known-workers.js';
import { encodeCursor } from './operation-filter.js';

type CheckpointSummary = z.infer<typeof CheckpointSummarySchema>;

/** Of more, the newest. */
const FORKS_SHOWN = 20;

/** Operations as clients see them. */
@Injectable()
export class OperationPresenter {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(OperationRecords) private readonly records: OperationRecords,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
    @Inject(PrismaForkStore) private readonly forks: PrismaForkStore,
    @Inject(KnownWorkers) private readonly workers: KnownWorkers,
  ) {}

  /** Prefetches the worker list while a submission is stored. */
  prefetchWorkers(): void {
    this.workers.prefetch();
  }

  /** One, with why it waits where no live worker can take it. */
  async one(operation: Operation): Promise<OperationView> {
    const [[view], unschedulable] = await Promise.all([this.many([operation]), this.whyUnschedulable(operation)]);
    if (!view) throw new Error('one operation makes one view');
    return withActions({ ...view, unschedulable });
  }

  /** A new one has no checkpoint, pause or fork yet, so nothing is read for it. */
  async submitted(submission: Submission): Promise<OperationView> {
    const { operation } = submission;
    if (!submission.isNew) return this.one(operation);
    const view = toOperationView(operation, { ...NOTHING, now: Date.now(), queuePosition: submission.queuePosition });
    return withActions({ ...view, unschedulable: await this.whyUnschedulable(operation) });
  }

  async page({ items, hasMore, total, active, byStatus }: OperationList): Promise<OperationPage> {
    const last = items.at(-1);
    return {
      items: await this.many(items),
      next_cursor: hasMore && last ? encodeCursor(last) : null,
      total,
      active,
      by_status: { ...byStatus },
    };
  }

  private async whyUnschedulable(operation: Operation) {
    return isWaiting(operation.status) ? whyUnschedulable(operation, await this.workers.lately(operation.pool)) : null;
  }

  private async many(operations: readonly Operation[]): Promise<OperationView[]> {
    const resumedFrom = operations.flatMap(({ resumeCheckpointId }) => resumeCheckpointId ?? []);
    const ids = operations.map(({ id }) => id);
    const [positions, latest, chosen, pauses, children, forks] = await Promise.all([
      this.operations.queuePositions(operations),
      this.checkpoints.latestOf(ids),
      this.checkpoints.byIds(resumedFrom),
      this.records.pauseEntries(ids),
      this.records.childrenSummaries(ids),
      this.forks.forksOf(ids, FORKS_SHOWN),
    ]);
    const now = Date.now();
    return operations.map((operation) =>
      toOperationView(operation, {
        now,
        queuePosition: positions.get(operation.id) ?? null,
        latest: latest.get(operation.id),
        resumedFrom: chosen.get(operation.resumeCheckpointId ?? ''),
        pauses: pauses.get(operation.id) ?? [],
        children: children.get(operation.id),
        forks: forks.get(operation.id) ?? [],
      }),
    );
  }
}

interface Surroundings {
  readonly now: number;
  readonly queuePosition: number | null;
  readonly latest: Checkpoint | undefined;
  readonly resumedFrom: Checkpoint | undefined;
  readonly pauses: readonly HistoryEntry[];
  readonly children: readonly ChildrenOfStatus[] | undefined;
  readonly forks: readonly Operation[];
}

const NOTHING = { latest: undefined, resumedFrom: undefined, pauses: [], children: undefined, forks: [] } as const;

/** What may be asked of it now. */
export function allowedActionsOf(operation: Operation): ClientAction[] {
  return [...allowedActions(operation.status, { pausable: isPausable(operation) })];
}

function toOperationView(
  operation: Operation,
  { now, queuePosition, latest, resumedFrom, pauses, children, forks }: Surroundings,
): OperationView {
  const clocks = clocksAt(operation, now);
  return {
    operation_id: operation.id,
    type: operation.type,
    name: operation.name,
    labels: { ...operation.labels },
    status: operation.status,
    version: operation.version,
    attempt: operation.attempt,
    pool: operation.pool,
    priority: operation.priority,
    queue_position: queuePosition,
    allowed_actions: allowedActionsOf(operation),
    progress: toProgress(operation, now),
    metrics: operation.metrics && { ...operation.metrics },
    best: operation.best && { ...operation.best },
    checkpointing: operation.checkpointing && toCheckpointingView(operation.checkpointing),
    latest_checkpoint: latest ? toCheckpointSummary(latest) : null,
    // `paused` has the position where a paused operation will go on.
    resumed_from: resumedFrom && operation.status !== 'paused' ? toCheckpointSummary(resumedFrom) : null,
    pause: operation.pauseRequest && {
      boundary: operation.pauseRequest.boundary,
      cause: operation.pauseRequest.cause,
      reason: operation.pauseRequest.reason,
      requested_by: operation.pauseRequest.requestedBy,
      requested_at: operation.pauseRequest.requestedAt,
    },
    paused: toPauseRecord(operation, resumedFrom),
    pauses: pastPauses(pauses).map(({ pausedAt, ...pause }) => ({ paused_at: pausedAt.toISOString(), ...pause })),
    cancel: operation.cancelRequest && {
      reason: operation.cancelRequest.reason,
      save: operation.cancelRequest.save,
      requested_by: operation.cancelRequest.requestedBy,
      requested_at: operation.cancelRequest.requestedAt,
    },
    worker_id: operation.workerId,
    lease_expires_at: operation.leaseExpiresAt?.toISOString() ?? null,
    backend: operation.pinnedBackend,
    error: operation.error && { ...operation.error, details: { ...operation.error.details } },
    warnings: [...operation.warnings],
    recoveries: operation.recoveries,
    max_recoveries: operation.maxRecoveries,
    spec: operation.spec,
    spec_sha256: operation.specSha256,
    overrides: operation.overrides && { ...operation.overrides },
    parent_id: operation.parentId,
    origin: operation.origin && {
      kind: operation.origin.kind,
      operation_id: operation.origin.operationId,
      checkpoint_id: operation.origin.checkpointId,
    },
    forked_from: toForkedFrom(operation),
    forks: forks.flatMap(toForkSummary),
    is_forkable: latest !== undefined && latest.corruptedAt === null,
    children: children ? toChildren(children) : null,
    watchdog: operation.watchdog && { seconds: operation.watchdog.seconds, on_stall: operation.watchdog.onStall },
    stuck_since: operation.stuckSince?.toISOString() ?? null,
    suggestions: toSuggestions(operation),
    remaining: operation.status === 'completed' ? null : remainingTime(operation, now),
    result: operation.result && { ...operation.result },
    created_at: operation.createdAt.toISOString(),
    started_at: operation.startedAt?.toISOString() ?? null,
    finished_at: operation.finishedAt?.toISOString() ?? null,
    queued_seconds: clocks.queuedMs / 1000,
    active_seconds: clocks.activeMs / 1000,
    paused_seconds: clocks.pausedMs / 1000,
  };
}

function withActions(view: OperationView): OperationView {
  const { status, type, spec, is_forkable: isForkable } = view;
  return { ...view, actions: [...actionsOf({ status, type, isPausable: isPausable({ type, spec }), isForkable })] };
}

function toForkedFrom({ origin }: Operation): OperationView['forked_from'] {
  if (origin?.kind !== 'fork') return null;
  const { operationId, checkpointId, step, epoch, changes } = origin;
  return {
    operation_id: operationId,
    checkpoint_id: checkpointId,
    step,
    epoch,
    changes: changes.map((each) => ({ ...each })),
  };
}

function toForkSummary({ id, name, status, origin, createdAt }: Operation): NonNullable<OperationView['forks']> {
  if (origin?.kind !== 'fork') return [];
  const { checkpointId, step, epoch } = origin;
  const created_at = createdAt.toISOString();
  return [{ operation_id: id, name, status, checkpoint_id: checkpointId, step, epoch, created_at }];
}

/** Only while it stands paused: the next resume makes it one of the past. */
/** It goes on from where it was saved. */
function toPauseRecord({ status, pauseRecord }: Operation, saved: Checkpoint | undefined): OperationView['paused'] {
  if (status !== 'paused' || !pauseRecord) return null;
  const { step, epoch, pausedAt, checkpointId, remaining, snapshot } = pauseRecord;
  return {
    step,
    epoch,
    paused_at: pausedAt,
    checkpoint_id: checkpointId,
    corrupted_at: saved?.id === checkpointId ? (saved.corruptedAt?.toISOString() ?? null) : null,
    remaining: remaining && { ...remaining },
    snapshot: snapshot as NonNullable<OperationView['paused']>['snapshot'], // checked when the worker sent it
  };
}

function toChildren(children: readonly ChildrenOfStatus[]): OperationView['children'] {
  const total = children.reduce((sum, { count }) => sum + count, 0);
  const done = children.reduce((sum, child) => sum + child.done, 0);
  return {
    total,
    by_status: Object.fromEntries(children.map(({ status, count }) => [status, count])),
    fraction: total > 0 ? Math.min(1, done / total) : 0,
  };
}

function toSuggestions(operation: Operation): OperationView['suggestions'] {
  if (operation.status !== 'failed' || !operation.error) return [];
  const spec = trainingSpecOf(operation);
  if (spec === null) return [];
  return suggestOverrides(operation.error.code, spec).map(({ overrides, why }) => ({
    action: 'resume' as const,
    operation_id: operation.id,
    overrides,
    why,
  }));
}

function toProgress(operation: Operation, now: number): OperationView['progress'] {
  const { progress, status, spec, overrides } = operation;
  if (!progress) return null;
  const { step, steps, epoch, epochs, examplesPerSecond } = progress;
  const fraction = status === 'completed' ? 1 : steps > 0 ? Math.min(1, step / steps) : 0;
  const batchSize = (overrides?.['batch_size'] ?? (spec as { batch_size?: unknown }).batch_size) as unknown;
  const isMoving = status === 'running' && typeof batchSize === 'number' && (examplesPerSecond ?? 0) > 0;
  return {
    fraction,
    epoch,
    epochs,
    step,
    steps,
    examples_per_second: examplesPerSecond,
    // At the speed of the last few steps; the last batch of an epoch counts as a full one.
    eta_seconds: isMoving
      ? (Math.max(0, steps - step) * batchSize) / (examplesPerSecond ?? 1)
      : status === 'running' && traitsOf(operation).runsOn === 'program'
        ? (remainingTime(operation, now)?.seconds ?? null)
        : null,
  };
}

export function toCheckpointSummary({
  id,
  kind,
  createdAt,
  corruptedAt,
  step,
  epoch,
}: Checkpoint): CheckpointSummary & { readonly corrupted_at: string | null } {
  return {
    checkpoint_id: id,
    checkpoint_type: kind as CheckpointSummary['checkpoint_type'], // the column is constrained to the same list
    created_at: createdAt.toISOString(),
    corrupted_at: corruptedAt?.toISOString() ?? null,
    step,
    epoch,
  };
}
