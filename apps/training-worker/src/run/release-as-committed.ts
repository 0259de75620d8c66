import type { CommittedCheckpoint } from '../checkpoints/checkpoint-uploader.js';
import type { Lease } from '../trainers/ports.js';
import type { RunPorts } from './ports.js';
import type { Outcome } from './run-report.js';

const TIMEOUT_MS = 2_000;

/** Hands an operation back at its last committed checkpoint. Asks once: there is no time, and the lease expires anyway. */
export async function releaseAsCommitted(
  release: { readonly last: CommittedCheckpoint | null; readonly reason: string; readonly lease: Lease },
  { rpc, workerId, log }: Pick<RunPorts, 'rpc' | 'workerId' | 'log'>,
): Promise<Outcome> {
  const { last, reason, lease } = release;
  const request = {
    operation_id: lease.operationId,
    attempt: lease.attempt,
    worker_id: workerId,
    step: last?.step ?? 0,
    epoch: last?.epoch ?? 0,
    checkpoint_id: last?.checkpointId ?? null,
    reason,
  };
  try {
    await rpc.call('released', request, { timeoutMs: TIMEOUT_MS });
    return { kind: 'released', checkpointId: request.checkpoint_id };
  } catch (err) {
    log.warn({ ...lease, err }, 'not released, its lease expires instead');
    return { kind: 'abandoned', reason };
  }
}
