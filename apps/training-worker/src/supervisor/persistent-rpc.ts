import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError, type ErrorCode } from '@ktrdr/errors';
import { Backoff } from './backoff.js';
import type { WorkerRpc } from './ports.js';

const TIMEOUT_MS = 5_000;
const RETRY = { firstMs: 200, lastMs: 1_000 };
/** The API could not decide now; asking again can help. */
const UNDECIDED: readonly ErrorCode[] = [
  'messaging-unavailable',
  'database-unavailable',
  'object-store-unavailable',
  'shutting-down',
  'internal',
];

/** Whether repeating the same request can lead to another answer. */
export function isUndecided(error: unknown): boolean {
  return !(error instanceof DomainError) || UNDECIDED.includes(error.code);
}

/** What is reported must arrive: asks until the API accepts or refuses, however long it is away. */
export class PersistentRpc {
  constructor(
    private readonly rpc: WorkerRpc,
    private readonly onRetry: (method: string, error: unknown) => void,
  ) {}

  /** @throws DomainError the API's refusal; the signal's reason when it aborts first. */
  async call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    signal: AbortSignal,
  ): Promise<WorkerRpcReply<M>> {
    const backoff = new Backoff(RETRY);
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.rpc.call(method, request, { timeoutMs: TIMEOUT_MS });
      } catch (error) {
        if (!isUndecided(error)) throw error;
        this.onRetry(method, error);
      }
      await backoff.wait(signal);
    }
  }
}
