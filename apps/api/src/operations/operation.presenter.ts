import type { CheckpointSummary as CheckpointSummarySchema, OperationView, ResumedView } from '@ktrdr/contracts';
import {
  allowedActions,
  type Checkpoint,
  clocksAt,
  type Operation,
  PAUSABLE_TYPES,
  type ResumePlan,
} from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';

type CheckpointSummary = z.infer<typeof CheckpointSummarySchema>;

/** Operations as clients see them. */
@Injectable()
export class OperationPresenter {
  constructor(
    @Inject(PrismaOperationStore) private readonly operations: PrismaOperationStore,
    @Inject(PrismaCheckpointRepository) private readonly checkpoints: PrismaCheckpointRepository,
  ) {}

  async one(operation: Operation): Promise<OperationView> {
    const [view] = await this.many([operation]);
    if (!view) throw new Error('one operation makes one view');
    return view;
  }

  async many(operations: readonly Operation[]): Promise<OperationView[]> {
    const resumedFrom = operations.flatMap(({ resumeCheckpointId }) => resumeCheckpointId ?? []);
    const [positions, latest, chosen] = await Promise.all([
      this.operations.queuePositions(operations),
      this.checkpoints.latestOf(operations.map(({ id }) => id)),
      this.checkpoints.byIds(resumedFrom),
    ]);
    const now = Date.now();
    return operations.map((operation) =>
      toOperationView(operation, {
        now,
        queuePosition: positions.get(operation.id) ?? null,
        latest: latest.get(operation.id),
        resumedFrom: chosen.get(operation.resumeCheckpointId ?? ''),
      }),
    );
  }
}

interface Surroundings {
  readonly now: number;
  readonly queuePosition: number | null;
  readonly latest: Checkpoint | undefined;
  readonly resumedFrom: Checkpoint | undefined;
}

export function toOperationView(
  operation: Operation,
  { now, queuePosition, latest, resumedFrom }: Surroundings,
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
    allowed_actions: [...allowedActions(operation.status, { pausable: PAUSABLE_TYPES.includes(operation.type) })],
    progress: toProgress(operation),
    metrics: operation.metrics && { ...operation.metrics },
    best: operation.best && { ...operation.best },
    latest_checkpoint: latest ? toCheckpointSummary(latest) : null,
    resumed_from: resumedFrom ? toCheckpointSummary(resumedFrom) : null,
    pause: operation.pauseRequest && {
      boundary: operation.pauseRequest.boundary,
      reason: operation.pauseRequest.reason,
      requested_by: operation.pauseRequest.requestedBy,
      requested_at: operation.pauseRequest.requestedAt,
    },
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
    result: operation.result && { ...operation.result },
    created_at: operation.createdAt.toISOString(),
    started_at: operation.startedAt?.toISOString() ?? null,
    finished_at: operation.finishedAt?.toISOString() ?? null,
    queued_seconds: clocks.queuedMs / 1000,
    active_seconds: clocks.activeMs / 1000,
    paused_seconds: clocks.pausedMs / 1000,
  };
}

function toProgress({ progress, status, spec }: Operation): OperationView['progress'] {
  if (!progress) return null;
  const { step, steps, epoch, epochs, examplesPerSecond } = progress;
  const fraction = status === 'completed' ? 1 : steps > 0 ? Math.min(1, step / steps) : 0;
  const batchSize = (spec as { batch_size?: unknown }).batch_size;
  const isMoving = status === 'running' && typeof batchSize === 'number' && (examplesPerSecond ?? 0) > 0;
  return {
    fraction,
    epoch,
    epochs,
    step,
    steps,
    examples_per_second: examplesPerSecond,
    // At the speed of the last few steps; the last batch of an epoch counts as a full one.
    eta_seconds: isMoving ? (Math.max(0, steps - step) * batchSize) / (examplesPerSecond ?? 1) : null,
  };
}

export function toCheckpointSummary({ id, kind, createdAt, step, epoch }: Checkpoint): CheckpointSummary {
  return {
    checkpoint_id: id,
    checkpoint_type: kind as CheckpointSummary['checkpoint_type'], // the column is constrained to the same list
    created_at: createdAt.toISOString(),
    step,
    epoch,
  };
}

export function toResumedView(plan: ResumePlan, queuePosition: number | null, isDryRun: boolean): ResumedView {
  return {
    operation_id: plan.operation.id,
    status: plan.operation.status,
    queue_position: queuePosition,
    resumed_from: plan.checkpoint ? toCheckpointSummary(plan.checkpoint) : null,
    lost_steps: plan.lostSteps,
    fell_back_from: plan.fellBackFrom,
    dry_run: isDryRun,
  };
}
