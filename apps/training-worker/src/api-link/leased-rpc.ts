import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { PersistentRpc } from './reporting-rpc.js';
import type { Lease } from '../trainers/ports.js';

interface LeaseIdentity {
  readonly operation_id: string;
  readonly attempt: number;
  readonly worker_id: string;
}

type LeasedMethod = {
  [M in WorkerRpcMethod]: WorkerRpcRequest<M> extends LeaseIdentity ? M : never;
}[WorkerRpcMethod];

/** Reports of one attempt: each carries its fencing token, and a lost lease is told to who must stop. */
export class LeasedRpc {
  private readonly identity: LeaseIdentity;

  constructor(
    private readonly rpc: PersistentRpc,
    { operationId, attempt }: Lease,
    workerId: string,
    private readonly signal: AbortSignal,
    private readonly onLeaseLost: (reason: string) => void,
  ) {
    this.identity = { operation_id: operationId, attempt, worker_id: workerId };
  }

  /** @throws DomainError the API's refusal; the signal's reason when it aborts first. */
  async call<M extends LeasedMethod>(
    method: M,
    report: Omit<WorkerRpcRequest<M>, keyof LeaseIdentity>,
    signal = this.signal,
  ): Promise<WorkerRpcReply<M>> {
    try {
      return await this.rpc.call(method, { ...report, ...this.identity } as WorkerRpcRequest<M>, signal);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'lease-lost') this.onLeaseLost(error.message);
      throw error;
    }
  }
}
