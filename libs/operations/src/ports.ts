import type { BackendChange } from './spec/overrides.js';
import type {
  CancelRequest,
  Lease,
  Operation,
  OperationFailure,
  OperationWarning,
  Origin,
  PauseRecord,
  PauseRequest,
  Progress,
  Watchdog,
} from './model/operation.js';
import type { Checkpoint, Position } from './model/checkpoint.js';
import type { AttemptRecord } from './model/records.js';
import type { DirectedOperation } from './attempt/directive.js';
import type { OperationStatus } from './model/status.js';
import type { OperationEvent } from './model/transitions.js';

export interface OperationDraft {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pool: string;
  readonly priority: number;
  readonly spec: unknown;
  readonly specSha256: string;
  readonly requirements: readonly string[];
  readonly maxRecoveries: number;
  readonly parentId: string | null;
  readonly origin: Origin | null;
  readonly watchdog: Watchdog | null;
  readonly createdBy: string;
  /** Repeating a submission with the same key returns the operation that the first one made. */
  readonly submissionKey: string | null;
}

/** An operation that has trained elsewhere. */
export interface ImportedOperation extends OperationDraft {
  readonly formerSpecSha256: readonly string[];
  readonly pinnedBackend: string | null;
  readonly progress: Progress;
}

/** What a transition writes beside the status. The store clears or sets what follows from the status itself. */
export interface OperationChanges {
  readonly pauseRequest?: PauseRequest | null;
  readonly cancelRequest?: CancelRequest | null;
  readonly resumeCheckpointId?: string | null;
  readonly error?: OperationFailure | null;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly position?: Position;
  readonly warning?: Omit<OperationWarning, 'at'>;
  readonly pauseRecord?: PauseRecord;
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** It is no longer bound to the backend that it trained on. */
  readonly backendChange?: BackendChange;
  /** Added to the hashes of the specs that it was trained under before. */
  readonly formerSpecSha256?: string;
  /** `spend` counts one automatic recovery, where it leads back to a worker; `refill` starts the budget anew. */
  readonly recoveryBudget?: 'spend' | 'refill';
}

export interface TransitionCommand {
  readonly operationId: string;
  readonly event: Exclude<OperationEvent, 'submit' | 'import' | 'claim'>;
  readonly actor: string;
  readonly reason: string | null;
  /**
   * Beyond the table's statuses: `version` as it was read, `attempt` as the fencing token with the worker that holds it,
   * and a checkpoint that was committed in this attempt or, before its first step, that it was claimed with; null: none,
   * which is enough where operations save none.
   */
  readonly expect: {
    readonly version?: number;
    readonly attempt?: number;
    readonly leaseExpired?: boolean;
    readonly workerId?: string;
    readonly checkpointId?: string | null;
  };
  readonly changes: OperationChanges;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * `applied`: with the place in its pool's queue where it now waits for a worker, else null.
 * `refused`: the row was not as expected; it is returned as it is now, unchanged.
 */
export type TransitionOutcome =
  | {
      readonly kind: 'applied';
      readonly operation: Operation;
      readonly from: OperationStatus;
      readonly queuePosition: number | null;
    }
  | { readonly kind: 'refused'; readonly operation: Operation };

export interface LeaseRenewal extends Omit<Lease, 'workerId'> {
  /** It is not stuck: its trainer has stepped, or bytes of its checkpoints have moved. */
  readonly hasMoved: boolean;
}

export interface OverdueLimits {
  /** A cancel that no worker has confirmed for so long is enforced: the worker is fenced off. */
  readonly cancellingMs: number;
  /** A pause that has not come to a checkpoint for so long is withdrawn. */
  readonly pausingMs: number;
}

export interface OperationFilter {
  readonly ids?: readonly string[];
  readonly statuses?: readonly OperationStatus[];
  readonly type?: string;
  readonly text?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  readonly parentId?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface OperationListRequest extends OperationFilter {
  readonly limit: number;
  /** Continue behind this one (newest first). */
  readonly after?: { readonly createdAt: Date; readonly id: string };
}

export interface OperationList {
  readonly items: readonly Operation[];
  readonly hasMore: boolean;
  readonly total: number;
  readonly active: number;
  readonly byStatus: Readonly<Partial<Record<OperationStatus, number>>>;
}

export interface OperationWithCheckpoints {
  readonly operation: Operation;
  /** All that are not being deleted, in order. */
  readonly checkpoints: readonly Checkpoint[];
}

export interface StartReport extends Position {
  readonly steps: number;
  readonly epochs: number;
  readonly backend: string | null;
  readonly checkpointId: string | null;
  /** The damaged one that was passed over for it; null: none was. */
  readonly fellBackFrom: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export type Submission =
  | {
      readonly operation: Operation;
      readonly isNew: true;
      /** 1 for the next one of its pool. */ readonly queuePosition: number;
    }
  | { readonly operation: Operation; readonly isNew: false };

/** Truth about operations. Every method is one transaction; every guarded write answers whether it was applied. */
export interface OperationStore {
  /** A submission whose key has been here before is answered with the operation that the first one made. */
  submit(draft: OperationDraft): Promise<Submission>;
  /** @throws {OperationNotFoundError} */
  get(id: string): Promise<Operation>;
  /** The operation and its checkpoints, in order, as they were at one instant. @throws {OperationNotFoundError} */
  getWithCheckpoints(id: string): Promise<OperationWithCheckpoints>;
  list(request: OperationListRequest): Promise<OperationList>;
  /** 1 for the next one of its pool; null when it does not wait. */
  queuePosition(operation: Operation): Promise<number | null>;
  queuePositions(operations: readonly Operation[]): Promise<ReadonlyMap<string, number>>;
  /** One guarded UPDATE with its history row and its event. */
  transition(command: TransitionCommand): Promise<TransitionOutcome>;
  /** Marks for deletion what is deletable; false: it was not, or is gone. */
  remove(id: string): Promise<boolean>;
  /** Extends what this worker still holds. Returns every named operation as it is now. */
  renewLeases(
    workerId: string,
    leases: readonly LeaseRenewal[],
    leaseMs: number,
  ): Promise<readonly DirectedOperation[]>;
  /** Operations whose lease ran out by the database's clock. */
  expiredLeases(): Promise<readonly Operation[]>;
  /**
   * Running operations that have made no progress for as long as their watchdog allows, and are not marked yet. A
   * heartbeat after that time has renewed the lease and reported no step: an outage is no stall.
   */
  stalled(leaseMs: number): Promise<readonly Operation[]>;
  /** Marks it as stuck, with a warning and an event; false: it has moved, or is marked already. */
  markStuck(operation: Operation, message: string): Promise<boolean>;
  /** Moves a waiting operation; null: it does not wait. `front` puts it before every other of its pool. */
  prioritise(id: string, priority: number | 'front', actor: string): Promise<Operation | null>;
  /** Operations whose parent this is. */
  childrenOf(parentId: string): Promise<readonly Operation[]>;
  /** Operations that have been in `cancelling` or `pausing` for longer than this, or than they were given themselves. */
  overdue(limits: OverdueLimits): Promise<readonly Operation[]>;
  /** @throws {LeaseLostError} when the attempt is not the newest or may not write any more. */
  recordStart(lease: Lease, report: StartReport): Promise<Operation>;
  /** Adds a warning and its event. @throws {LeaseLostError} */
  warn(
    lease: Lease,
    warning: Omit<OperationWarning, 'at'>,
    details: Readonly<Record<string, unknown>>,
  ): Promise<Operation>;
  attempts(id: string): Promise<readonly AttemptRecord[]>;
}

/** Hints after the commit; what does not arrive, the next heartbeat makes up for. */
export interface Dispatcher {
  /** Hints to an idle worker of its pool that it waits, if it does. */
  announce(operation: Operation): void;
  /** Hints to the worker that something has changed for it. */
  hint(workerId: string): void;
}
