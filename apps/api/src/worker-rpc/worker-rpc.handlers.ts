import type { ClaimedOperation, WorkerRpcRequest } from '@ktrdr/contracts';
import type { Failpoints } from '@ktrdr/failpoints';
import type { WorkerRpcHandlers } from '@ktrdr/messaging-nats';
import {
  type BadFile,
  type Checkpoint,
  directiveFor,
  effectiveSpec,
  guaranteeOf,
  type Lease,
  type ReportOutcome,
  type ReportRestoreFailure,
  type ReportSaveFailure,
  startingPoint,
} from '@ktrdr/operations';
import type { Claimed, PrismaOperationStore, WorkerRegistry, WorkQueue } from '@ktrdr/operations-prisma';
import type { EventIngest } from '../live/event-ingest.js';
import type { Messaging } from '../platform/messaging.js';
import type { CommitCheckpoint } from './commit-checkpoint.js';
import type { WaitingWork } from './waiting-work.js';

export interface WorkerRpcParts {
  readonly operations: PrismaOperationStore;
  readonly workers: WorkerRegistry;
  readonly outcome: ReportOutcome;
  readonly saveFailure: ReportSaveFailure;
  readonly restoreFailure: ReportRestoreFailure;
  readonly commit: CommitCheckpoint;
  readonly ingest: EventIngest;
  readonly queue: WorkQueue;
  readonly waiting: WaitingWork;
  readonly hints: Pick<Messaging, 'workWaits' | 'wake'>;
  readonly failpoints: Failpoints;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** One handler an RPC, each a few lines around a use case. */
export function workerRpcHandlers(parts: WorkerRpcParts): WorkerRpcHandlers {
  const { operations, workers, outcome, failpoints, leaseMs, heartbeatMs } = parts;

  const directives = async (
    workerId: string,
    leases: WorkerRpcRequest<'heartbeat'>['leases'],
  ): Promise<{ operation_id: string; attempt: number; directive: ReturnType<typeof directiveFor> }[]> => {
    const named = leases.map(({ operation_id: operationId, attempt, moved }) => ({
      operationId,
      attempt,
      hasMoved: moved,
    }));
    const found = new Map((await operations.renewLeases(workerId, named, leaseMs)).map((row) => [row.id, row]));
    return leases.map(({ operation_id, attempt }) => ({
      operation_id,
      attempt,
      directive: directiveFor(found.get(operation_id), { attempt, workerId }),
    }));
  };

  return {
    register: async (request) => {
      const { worker_id: id, leases, ...worker } = request;
      await workers.register({ id, ...worker });
      const named = leases.map((lease) => ({ ...lease, moved: false }));
      return { heartbeat_ms: heartbeatMs, lease_ms: leaseMs, directives: await directives(id, named) };
    },

    claim: async ({ worker_id: workerId, claim_id: claimId, pool, capabilities }) => {
      await failpoints.reach('claim.asked', pool);
      const claim = await operations.claim({ workerId, claimId, pool, capabilities, leaseMs });
      if (claim) await failpoints.reach('claim.recorded', claim.operation.id);
      if (claim?.leavesMore) parts.hints.workWaits(pool);
      if (!claim) await wakeAnother(pool, workerId);
      return { operation: claim && toClaimedOperation(claim, workerId) };
    },

    heartbeat: async ({ worker_id, free_slots, leases }) => {
      const [known, told] = await Promise.all([workers.seen(worker_id, free_slots), directives(worker_id, leases)]);
      const mayTake = known !== null && known.takesWork && free_slots > 0;
      return {
        registered: known !== null,
        draining: known?.draining ?? false,
        work_waits: mayTake && (await parts.waiting.for(known)),
        directives: told,
      };
    },

    events: async ({ worker_id, events }) => ({ operations: await parts.ingest.take(worker_id, events) }),

    restored: async (request) => {
      const lease = toLease(request);
      const { step, epoch, steps, epochs, backend, checkpoint_id: checkpointId, drift } = request;
      const operation = await operations.recordStart(lease, {
        step,
        epoch,
        steps,
        epochs,
        backend,
        checkpointId,
        fellBackFrom: request.fell_back_from,
        details: {
          backend_version: request.backend_version,
          backend_reason: request.backend_reason,
          data_fingerprint: request.data_fingerprint,
          trainer: request.trainer,
          ...(checkpointId === null ? {} : { drift, guarantee: guaranteeOf(drift) }),
        },
      });
      await failpoints.reach('start.recorded', lease.operationId);
      return { directive: directiveFor(operation, lease) };
    },

    'restore-failed': async (request) => {
      const badFiles = request.bad_files.map((file) => ({ ...file, problem: toFileProblem(file.problem) }));
      const next = await parts.restoreFailure.execute(toLease(request), request.checkpoint_id, badFiles);
      return { resume: next && toResumePoint(next) };
    },

    'checkpoint-commit': async (request) => {
      await parts.commit.execute(toLease(request), request.checkpoint);
      return { checkpoint_id: request.checkpoint.id };
    },

    'checkpoint-failed': async (request) => {
      const { kind, step, epoch, error, pause_abandoned } = request;
      const failure = { kind, position: { step, epoch }, error };
      return { directive: await parts.saveFailure.execute(toLease(request), failure, pause_abandoned) };
    },

    paused: async (request) => ({
      status: await outcome.paused(toLease(request), {
        position: toPosition(request),
        checkpointId: request.checkpoint_id,
        snapshot: request.snapshot,
        now: new Date(),
      }),
    }),
    cancelled: async (request) => ({
      status: await outcome.cancelled(toLease(request), toPosition(request), request.checkpoint_id),
    }),
    completed: async (request) => ({
      status: await outcome.completed(toLease(request), toPosition(request), request.result, request.checkpoint_id),
    }),
    failed: async (request) => ({ status: await outcome.failed(toLease(request), request.error) }),
    released: async (request) => ({
      status: await outcome.released(toLease(request), toPosition(request), request.reason, request.checkpoint_id),
    }),
  };

  /** Wakes an idle worker that can run what waits, after another worker claimed in vain. */
  async function wakeAnother(pool: string, workerId: string): Promise<void> {
    const idle = await parts.queue.idleWorker(pool, workerId, leaseMs);
    if (idle !== null) parts.hints.wake(idle);
  }

  function toClaimedOperation(claim: Claimed, workerId: string): ClaimedOperation {
    const { operation } = claim;
    const { checkpoint: resume, fellBackFrom } = startingPoint(operation, claim.checkpoints);
    const effective = effectiveSpec(operation);
    return {
      operation_id: operation.id,
      attempt: operation.attempt,
      worker_id: workerId,
      type: operation.type,
      spec: effective.spec,
      spec_sha256: effective.sha256,
      accepted_spec_sha256: [...operation.formerSpecSha256],
      lease_ms: leaseMs,
      pinned_backend: operation.pinnedBackend,
      allow_backend_change: operation.backendChangeAllowed,
      resume: resume && toResumePoint(resume),
      fell_back_from: fellBackFrom,
      directive: directiveFor(operation, { attempt: operation.attempt, workerId }),
    };
  }
}

function toLease(request: { operation_id: string; attempt: number; worker_id: string }): Lease {
  return { operationId: request.operation_id, attempt: request.attempt, workerId: request.worker_id };
}

function toPosition({ step, epoch }: { step: number; epoch: number }) {
  return { step, epoch };
}

function toResumePoint({ id, manifestKey, manifestSha256, step, epoch }: Checkpoint) {
  return { checkpoint_id: id, manifest_key: manifestKey, manifest_sha256: manifestSha256, step, epoch };
}

const FILE_PROBLEMS: readonly BadFile['problem'][] = ['missing', 'wrong-size', 'wrong-hash', 'unreadable'];

function toFileProblem(problem: string): BadFile['problem'] {
  return FILE_PROBLEMS.find((known) => known === problem) ?? 'unreadable';
}
