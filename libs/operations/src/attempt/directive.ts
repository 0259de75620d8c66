import { isLeased } from '../model/status.js';
import type { Operation } from '../model/operation.js';

/** What the holder of an attempt should be doing. */
export type WorkerDirective =
  | { readonly kind: 'run' }
  | { readonly kind: 'pause'; readonly boundary: 'step' | 'epoch' }
  | { readonly kind: 'cancel'; readonly save: boolean }
  | { readonly kind: 'lease-lost'; readonly reason: string };

/** What decides about the holder of an attempt. */
export type DirectedOperation = Pick<
  Operation,
  'id' | 'status' | 'attempt' | 'workerId' | 'pauseRequest' | 'cancelRequest'
>;

/** The row decides; the worker obeys. `undefined`: the operation is gone. */
export function directiveFor(
  operation: DirectedOperation | undefined,
  lease: { readonly attempt: number; readonly workerId: string },
): WorkerDirective {
  if (!operation) return { kind: 'lease-lost', reason: 'the operation was deleted' };
  if (operation.attempt !== lease.attempt)
    return { kind: 'lease-lost', reason: `attempt ${operation.attempt} has taken over` };
  if (!isLeased(operation.status)) return { kind: 'lease-lost', reason: `the operation is ${operation.status}` };
  if (operation.workerId !== lease.workerId)
    return { kind: 'lease-lost', reason: `worker ${operation.workerId} holds the operation` };
  if (operation.status === 'cancelling') return { kind: 'cancel', save: operation.cancelRequest?.save ?? true };
  if (operation.status === 'pausing') return { kind: 'pause', boundary: operation.pauseRequest?.boundary ?? 'step' };
  return { kind: 'run' };
}
