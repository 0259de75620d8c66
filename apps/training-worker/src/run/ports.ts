import type { Failpoints } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import type { ConfirmLease, WorkerRpc } from '../api-link/ports.js';
import type { CheckpointStorage } from '../checkpoints/ports.js';
import type { Spool } from '../checkpoints/spool.js';
import type { EventSink } from '../events/event-recorder.js';
import type { ResourceMeter } from '../machine/pause-snapshot.js';
import type { TrainerSource } from '../trainers/ports.js';

export interface DataSources {
  /** A local file for the data source, or null when the trainer has it built in. */
  resolve(source: string, folder: string): Promise<string | null>;
}

/** The parts of the worker that every run uses. */
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
