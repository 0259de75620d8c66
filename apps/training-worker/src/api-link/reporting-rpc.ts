import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { DomainError, type ErrorCode } from '@ktrdr/errors';
import { Backoff } from './backoff.js';
import type { WorkerRpc } from '../trainers/ports.js';

const TIMEOUT_MS = 5_000;
/** The API could not decide now; asking again can help. */
const UNDECIDED: readonly ErrorCode[] = [
  'messaging-unavailable',
  'busy',
  'database-unavailable',
  'object-store-unavailable',
  'shutting-down',
  'internal',
];

/** Whether repeating the same request can lead to another answer. */
export function isUndecided(error: unknown): boolean {
  return !(error instanceof DomainError) || UNDECIDED.includes(error.code);
}

const LIMITS = {
  retry: { firstMs: 200, lastMs: 1_000 },
  /** Faults in a row, about five minutes: longer than a database needs to come back, shorter than anybody waits for a slot. */
  faults: 300,
};

/**
 * What is reported must arrive: asks until the API accepts or refuses, however long it is away. An API that is there and
 * fails at this very request, time after time, has refused it.
 */
export class PersistentRpc {
  /** @param onRetry is told what kept it from an answer, and how often it has asked for this one. */
  constructor(
    private readonly rpc: WorkerRpc,
    private readonly onRetry: (method: string, error: unknown, tries: number) => void,
    private readonly limits = LIMITS,
  ) {}

  /** @throws DomainError the API's refusal, or its fault; the signal's reason when it aborts first. */
  async call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    signal: AbortSignal,
  ): Promise<WorkerRpcReply<M>> {
    const backoff = new Backoff(this.limits.retry);
    let faults = 0;
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      try {
        return await this.rpc.call(method, request, { timeoutMs: TIMEOUT_MS });
      } catch (error) {
        faults = error instanceof DomainError && error.code === 'internal' ? faults + 1 : 0;
        if (!isUndecided(error) || faults >= this.limits.faults) throw error;
        this.onRetry(method, error, tries);
      }
      await backoff.wait(signal);
    }
  }
}
