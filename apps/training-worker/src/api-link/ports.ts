import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';

/** The right to write for one operation; `attempt` is the fencing token. */
export interface Lease {
  readonly operationId: string;
  readonly attempt: number;
}

/** Requests to the API. */
export interface WorkerRpc {
  call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    options: { readonly timeoutMs: number },
  ): Promise<WorkerRpcReply<M>>;
}

/** Settles once the lease is known to be recent, or no API answers. By then the run knows of a lost lease. */
export type ConfirmLease = () => Promise<void>;
