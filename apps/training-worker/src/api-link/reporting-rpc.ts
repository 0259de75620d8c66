import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError, type ErrorCode } from '@ktrdr/errors';
import { retry } from './backoff.js';
import type { Lease, WorkerRpc } from './ports.js';

interface Identity {
  readonly operation_id: string;
  readonly attempt: number;
  readonly worker_id: string;
}

/** Requests that carry a fencing token. */
type ReportMethod = {
  [M in WorkerRpcMethod]: WorkerRpcRequest<M> extends Identity ? M : never;
}[WorkerRpcMethod];

/** A request without the fencing token, which every report gets. */
export type Report<M extends ReportMethod> = Omit<WorkerRpcRequest<M>, keyof Identity>;

export interface ReportingPorts {
  readonly rpc: WorkerRpc;
  readonly lease: Lease;
  readonly workerId: string;
  /** Ends the repetition. */
  readonly signal: AbortSignal;
  /** @param tries how often this report was sent so far. */
  readonly onRetry: (method: string, error: unknown, tries: number) => void;
  readonly onLeaseLost: (reason: string) => void;
}

/** The API cannot decide now; the same request later can succeed. */
const UNDECIDED: readonly ErrorCode[] = [
  'messaging-unavailable',
  'busy',
  'database-unavailable',
  'object-store-unavailable',
  'shutting-down',
  'internal',
];

const LIMITS = {
  timeoutMs: 5_000,
  retry: { firstMs: 200, lastMs: 1_000 },
  /** Faults in a row, about five minutes: longer than a database restart, shorter than a slot may stay blocked. */
  faults: 300,
};

/** Whether the same request can get another answer later. */
export function isUndecided(error: unknown): boolean {
  return !(error instanceof DomainError) || UNDECIDED.includes(error.code);
}

/** Sends the reports of one attempt, each with its fencing token, and repeats them until the API decides. */
export class ReportingRpc {
  private readonly identity: Identity;

  constructor(
    private readonly ports: ReportingPorts,
    private readonly limits = LIMITS,
  ) {
    const { lease, workerId } = ports;
    this.identity = { operation_id: lease.operationId, attempt: lease.attempt, worker_id: workerId };
  }

  /**
   * Repeats the report for as long as the API is away. An API that fails at it time after time has refused it.
   * @throws {DomainError} the refusal of the API, or its fault; the signal's reason when it aborts first.
   */
  call<M extends ReportMethod>(method: M, report: Report<M>): Promise<WorkerRpcReply<M>> {
    const { signal, onRetry, onLeaseLost } = this.ports;
    const { timeoutMs, retry: range, faults: mostFaults } = this.limits;
    let faults = 0;
    const onError = (error: unknown, tries: number): void => {
      if (error instanceof DomainError && error.code === 'lease-lost') onLeaseLost(error.message);
      faults = error instanceof DomainError && error.code === 'internal' ? faults + 1 : 0;
      if (!isUndecided(error) || faults >= mostFaults) throw error;
      onRetry(method, error, tries);
    };
    return retry(() => this.callOnce(method, report, timeoutMs), { range, signal, onError });
  }

  /** One try, also after the signal. */
  callOnce<M extends ReportMethod>(method: M, report: Report<M>, timeoutMs: number): Promise<WorkerRpcReply<M>> {
    return this.ports.rpc.call(method, { ...report, ...this.identity } as WorkerRpcRequest<M>, { timeoutMs });
  }
}
