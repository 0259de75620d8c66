import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Figures of this worker, read when they are asked for. */
export interface WorkerFigures {
  readonly slots: number;
  readonly operations: () => number;
  readonly waitingEvents: () => number;
}

/** The worker's own `/metrics` in the Prometheus text format. */
export function workerMetrics({ slots, operations, waitingEvents }: WorkerFigures): Registry {
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
  gauge('ktrdr_worker_slots', 'Operations that this worker runs at once, at most', () => slots);
  gauge('ktrdr_worker_operations', 'Operations that this worker runs', operations);
  gauge('ktrdr_worker_waiting_events', 'Events that the API has not confirmed yet', waitingEvents);
  return registry;
}
