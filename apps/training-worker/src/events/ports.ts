import type { WorkerEvent } from '@ktrdr/contracts';
import type { Lease } from '../api-link/ports.js';

/** Takes events at any time and sends them when it can. */
export interface EventSink {
  enqueue(event: WorkerEvent): void;
  /** Drops the unsent events of this attempt. */
  purge(lease: Lease): void;
  /** Settles when every event of this attempt so far is recorded, or the time is over. */
  flush(lease: Lease, withinMs: number): Promise<void>;
}
