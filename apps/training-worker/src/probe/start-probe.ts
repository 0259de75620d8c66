import type { Logger } from 'pino';
import { type ProbeAddress, ProbeServer } from './probe-server.js';
import { WorkerHealth } from './worker-health.js';
import { workerMetrics } from './worker-metrics.js';

/** What probes are answered from; the worker fills in what it has as it starts. */
export interface ProbedParts {
  leases?: { readonly isKnown: boolean; sinceLastTurnMs(): number | null };
  session?: { readonly isConnected: boolean };
  supervisor?: { leases(): readonly unknown[] };
  events?: { readonly waiting: number };
}

/** @throws {ProbeAddressError} */
export async function startProbe(
  address: ProbeAddress,
  parts: ProbedParts,
  { slots, checkObjectStore }: { readonly slots: number; readonly checkObjectStore: () => Promise<void> },
  log: Logger,
): Promise<ProbeServer> {
  const worker = {
    sinceLastTurnMs: () => parts.leases?.sinceLastTurnMs() ?? null,
    isRegistered: () => parts.leases?.isKnown ?? false,
    isConnected: () => parts.session?.isConnected ?? false,
    checkObjectStore,
  };
  const health = new WorkerHealth(worker, log);
  const metrics = workerMetrics({
    slots,
    operations: () => parts.supervisor?.leases().length ?? 0,
    waitingEvents: () => parts.events?.waiting ?? 0,
  });
  const server = await ProbeServer.listen(address, health, metrics);
  log.info({ ...address }, 'probes are answered');
  return server;
}
