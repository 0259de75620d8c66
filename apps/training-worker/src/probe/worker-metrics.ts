import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ProbedWorker } from './worker-health.js';

/** The worker's own `/metrics` in the Prometheus text format, read at each request. */
export function workerMetrics(worker: ProbedWorker): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'ktrdr_worker_' });
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  gauge('ktrdr_worker_slots', 'Operations that this worker runs at once, at most', () => worker.slots);
  gauge('ktrdr_worker_operations', 'Operations that this worker runs', () => worker.supervisor?.leases().length ?? 0);
  gauge('ktrdr_worker_waiting_events', 'Events that the API has not confirmed yet', () => worker.events?.waiting ?? 0);
  return registry;
}
