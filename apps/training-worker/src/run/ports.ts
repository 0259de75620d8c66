import type { Failpoints } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import type {
  CheckpointStorage,
  ConfirmLease,
  DataSources,
  EventSink,
  ResourceMeter,
  TrainerSource,
  WorkerRpc,
} from '../trainers/ports.js';
import type { Spool } from '../checkpoints/spool.js';

/** What every run of a worker works with. */
export interface RunPorts {
  readonly rpc: WorkerRpc;
  readonly storage: CheckpointStorage;
  readonly data: DataSources;
  readonly trainers: TrainerSource;
  readonly events: EventSink;
  readonly spool: Spool;
  readonly meter: ResourceMeter;
  readonly confirmLease: ConfirmLease;
  readonly newId: () => string;
  readonly workerId: string;
  readonly failpoints: Failpoints;
  readonly log: Logger;
}
