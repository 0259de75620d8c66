import {
  type AttemptRecord,
  type Checkpoint,
  type DirectedOperation,
  type Lease,
  type LeaseRenewal,
  LeaseLostError,
  type Operation,
  type OperationDraft,
  type OperationList,
  type OperationListRequest,
  OperationNotFoundError,
  type OperationStatus,
  type OperationStore,
  type OverdueLimits,
  type OperationWarning,
  type StartReport,
  type Submission,
  type TransitionCommand,
  type TransitionOutcome,
  deletableStatuses,
  isWaiting,
} from '@ktrdr/operations';
import { claimFirst, type ClaimRequest, isClaimedAlready } from '../attempts/claim-operation.js';
import { recordStart } from '../attempts/record-start.js';
import { type RenewalCommand, renewTogether } from '../attempts/renew-leases.js';
import { markStuck, warn } from '../attempts/warn.js';
import { type CheckpointJson, checkpointsOf, fromCheckpointJson } from '../checkpoints/checkpoint-rows.js';
import { Batcher } from '../database/batcher.js';
import { type Database, writeEvents } from '../database/database.js';
import { LEASED, lockOperation, WAITING } from '../database/fragments.js';
import { Prisma } from '../generated/prisma/client.js';
import { queuePositionOf } from '../workers/work-queue.js';
import { listOperations } from './list-operations.js';
import { operationColumns, type OperationRow, toAttempt, toOperation } from './operation-rows.js';
import { prioritiseOperation } from './prioritise-operation.js';
import { storedBefore, submitStatement } from './submit-operation.js';
import { TransitionBatcher } from './transition-batcher.js';
import { asksForCheckpoints, type TransitionRow, transitionStatement } from './transition-operations.js';

const { sql } = Prisma;

type RowWithCheckpoints = OperationRow & { readonly checkpoints: CheckpointJson[] };

const READS = { atOnce: 2, items: 16 };
const RENEWALS = { atOnce: 2, items: 128 };

export interface Claimed {
  readonly operation: Operation;
  /** Newest first; none that was committed before the claim is missing. */
  readonly checkpoints: readonly Checkpoint[];
  /** The status in which it waited, and for how long; null: this repeats an earlier claim. */
  readonly waited: { readonly from: OperationStatus; readonly ms: number } | null;
  /** Others of its pool wait too. */
  readonly leavesMore: boolean;
}

/** Is called with what this store has tried and claimed, after the commit. */
export interface TransitionListener {
  transitioned(command: TransitionCommand, outcome: TransitionOutcome): void;
  claimed(waited: NonNullable<Claimed['waited']>): void;
}

/** Operations in PostgreSQL. Every guarded write is one statement. */
export class PrismaOperationStore implements OperationStore {
  private readonly transitions: TransitionBatcher;
  private readonly reads: Batcher<string, RowWithCheckpoints | undefined>;
  private readonly renewals: Batcher<RenewalCommand, DirectedOperation | undefined>;

  constructor(
    private readonly prisma: Database,
    private readonly listener?: TransitionListener,
  ) {
    this.reads = new Batcher((ids) => this.rowsWithCheckpoints(ids), READS);
    this.transitions = new TransitionBatcher(prisma);
    this.renewals = new Batcher((leases) => renewTogether(prisma, leases), RENEWALS);
  }

  async submit(draft: OperationDraft): Promise<Submission> {
    const [row] = await writeEvents(this.prisma, () =>
      this.prisma.$rows<OperationRow & { queuePosition: string }>(submitStatement(draft)),
    );
    if (row) return { operation: toOperation(row), isNew: true, queuePosition: Number(row.queuePosition) };
    return { operation: await storedBefore(this.prisma, draft), isNew: false };
  }

  async get(id: string): Promise<Operation> {
    const [row] = await this.prisma.$rows<OperationRow>(
      sql`SELECT ${operationColumns('o')} FROM operations o WHERE o.id = ${id}`,
    );
    if (!row) throw new OperationNotFoundError(id);
    return toOperation(row);
  }

  async getWithCheckpoints(id: string) {
    const row = await this.reads.add(id);
    if (!row) throw new OperationNotFoundError(id);
    return { operation: toOperation(row), checkpoints: row.checkpoints.map(fromCheckpointJson) };
  }

  private async rowsWithCheckpoints(ids: readonly string[]): Promise<readonly (RowWithCheckpoints | undefined)[]> {
    const rows = await this.prisma.$rows<RowWithCheckpoints>(sql`
      SELECT ${operationColumns('o')}, ${checkpointsOf('o')} AS checkpoints FROM operations o WHERE o.id = ANY(${[...ids]})`);
    const ofId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => ofId.get(id));
  }

  list(request: OperationListRequest): Promise<OperationList> {
    return listOperations(this.prisma, request);
  }

  async queuePosition(operation: Operation): Promise<number | null> {
    return (await this.queuePositions([operation])).get(operation.id) ?? null;
  }

  async queuePositions(operations: readonly Operation[]): Promise<ReadonlyMap<string, number>> {
    const ids = operations.filter(({ status }) => isWaiting(status)).map(({ id }) => id);
    if (ids.length === 0) return new Map();
    const rows = await this.prisma.$rows<{ id: string; position: string }>(sql`
      SELECT o.id, ${queuePositionOf('o')} AS position
      FROM operations o WHERE o.id = ANY(${ids}) AND o.status IN ${WAITING}`);
    return new Map(rows.map(({ id, position }) => [id, Number(position)]));
  }

  /** One statement settles the race: of N concurrent callers exactly one sees `applied`. */
  async transition(command: TransitionCommand): Promise<TransitionOutcome> {
    const outcome = await this.tryTransition(command);
    this.listener?.transitioned(command, outcome);
    return outcome;
  }

  private async tryTransition(command: TransitionCommand): Promise<TransitionOutcome> {
    const row = await (asksForCheckpoints(command.event)
      ? writeEvents(this.prisma, () => this.behindLock(command))
      : this.transitions.carryOut(command));
    if (row) {
      const queuePosition = row.queuePosition === null ? null : Number(row.queuePosition);
      return { kind: 'applied', operation: toOperation(row), from: row.fromStatus, queuePosition };
    }
    return { kind: 'refused', operation: await this.get(command.operationId) };
  }

  /** One statement sees other tables as they were before it waited for the row; this one begins when it has the row. */
  private behindLock(command: TransitionCommand): Promise<TransitionRow | undefined> {
    return this.prisma.$transaction(async (tx) => {
      await tx.$executeRaw(lockOperation(command.operationId));
      const [row] = await tx.$queryRaw<TransitionRow[]>(transitionStatement([command], 'wait'));
      return row;
    });
  }

  async remove(id: string): Promise<boolean> {
    const { count } = await this.prisma.operation.deleteMany({
      where: { id, status: { in: [...deletableStatuses()] } },
    });
    return count === 1;
  }

  /** Gives the first fitting operation to the worker with attempt + 1, or null. Idempotent by `claimId`. */
  async claim(request: ClaimRequest): Promise<Claimed | null> {
    try {
      const row = await claimFirst(this.prisma, request);
      if (!row) return await this.claimedBefore(request.claimId);
      const waited = { from: row.fromStatus, ms: Number(row.waitedMs) };
      this.listener?.claimed(waited);
      return {
        operation: toOperation(row),
        checkpoints: row.isAsSeen
          ? row.checkpoints.map(fromCheckpointJson)
          : (await this.getWithCheckpoints(row.id)).checkpoints,
        waited,
        leavesMore: row.leavesMore,
      };
    } catch (error) {
      // The same claim, sent twice, ran at the same time, and the other one was first.
      if (isClaimedAlready(error)) return this.claimedBefore(request.claimId);
      throw error;
    }
  }

  private async claimedBefore(claimId: string): Promise<Claimed | null> {
    const [row] = await this.prisma.$rows<OperationRow & { checkpoints: CheckpointJson[] }>(sql`
      SELECT ${operationColumns('o')}, ${checkpointsOf('o')} AS checkpoints FROM attempts a JOIN operations o ON o.id = a.operation_id AND o.attempt = a.attempt
      WHERE a.claim_id = ${claimId} AND a.ended_at IS NULL`);
    if (!row) return null;
    return {
      operation: toOperation(row),
      checkpoints: row.checkpoints.map(fromCheckpointJson),
      waited: null,
      leavesMore: false,
    };
  }

  async renewLeases(workerId: string, leases: readonly LeaseRenewal[], leaseMs: number) {
    const rows = await Promise.all(leases.map((lease) => this.renewals.add({ ...lease, workerId, leaseMs })));
    return rows.flatMap((row) => row ?? []);
  }

  async expiredLeases(): Promise<readonly Operation[]> {
    const rows = await this.prisma.$queryRaw<OperationRow[]>(sql`
      SELECT ${operationColumns('o')} FROM operations o
      WHERE o.status IN ${LEASED} AND o.lease_expires_at < clock_timestamp()
      ORDER BY o.lease_expires_at LIMIT 100`);
    return rows.map(toOperation);
  }

  async overdue({ cancellingMs, pausingMs }: OverdueLimits): Promise<readonly Operation[]> {
    const rows = await this.prisma.$queryRaw<OperationRow[]>(sql`
      SELECT ${operationColumns('o')} FROM operations o
      WHERE o.status IN ('cancelling', 'pausing') AND o.status_since < clock_timestamp() - interval '1 millisecond' *
        CASE WHEN o.status = 'pausing' THEN coalesce((o.pause_request->>'timeoutMs')::float8, ${pausingMs}::float8)
          ELSE ${cancellingMs}::float8 END
      LIMIT 100`);
    return rows.map(toOperation);
  }

  async stalled(leaseMs: number): Promise<readonly Operation[]> {
    const rows = await this.prisma.$queryRaw<OperationRow[]>(sql`
      SELECT ${operationColumns('o')} FROM operations o
      WHERE o.status = 'running' AND o.stuck_since IS NULL AND o.watchdog IS NOT NULL
        AND o.progress_at < clock_timestamp() - interval '1 second' * (o.watchdog->>'seconds')::float8
        AND o.lease_expires_at > clock_timestamp()
        AND o.lease_expires_at - interval '1 millisecond' * ${leaseMs}::float8
          > o.progress_at + interval '1 second' * (o.watchdog->>'seconds')::float8
      LIMIT 100`);
    return rows.map(toOperation);
  }

  async markStuck({ id, attempt }: Operation, message: string): Promise<boolean> {
    return writeEvents(this.prisma, () => markStuck(this.prisma, { id, attempt }, message));
  }

  async prioritise(id: string, priority: number | 'front', actor: string): Promise<Operation | null> {
    const row = await writeEvents(this.prisma, () => prioritiseOperation(this.prisma, id, priority, actor));
    return row ? toOperation(row) : null;
  }

  async childrenOf(parentId: string): Promise<readonly Operation[]> {
    const rows = await this.prisma.operation.findMany({ where: { parentId }, orderBy: { createdAt: 'asc' } });
    return rows.map(toOperation);
  }

  async recordStart(lease: Lease, report: StartReport): Promise<Operation> {
    const row = await writeEvents(this.prisma, () => recordStart(this.prisma, lease, report));
    if (!row) throw new LeaseLostError(lease);
    return toOperation(row);
  }

  async warn(
    lease: Lease,
    warning: Omit<OperationWarning, 'at'>,
    details: Readonly<Record<string, unknown>>,
  ): Promise<Operation> {
    const row = await writeEvents(this.prisma, () => warn(this.prisma, lease, warning, details));
    if (!row) throw new LeaseLostError(lease);
    return toOperation(row);
  }

  async attempts(id: string): Promise<readonly AttemptRecord[]> {
    const rows = await this.prisma.attempt.findMany({ where: { operationId: id }, orderBy: { attempt: 'asc' } });
    return rows.map(toAttempt);
  }
}
