import type {
  CheckpointBeingWritten,
  CheckpointDraft,
  Manifest,
  RestoreOrder,
  StoredAhead,
  UploadedCheckpoint,
} from '@ktrdr/checkpoint';
import type {
  ResourceSnapshot,
  TrainerControl,
  TrainerEvent,
  WorkerEvent,
  WorkerRpcMethod,
  WorkerRpcReply,
  WorkerRpcRequest,
} from '@ktrdr/contracts';

/** The right to write for one operation; `attempt` is the fencing token. */
export interface Lease {
  readonly operationId: string;
  readonly attempt: number;
}

/** Requests to the API. */
export interface WorkerRpc {
  call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    options: { readonly timeoutMs: number },
  ): Promise<WorkerRpcReply<M>>;
}

export type RestoredManifest = Pick<Manifest, 'trainer' | 'backend' | 'data_fingerprint' | 'spec_sha256'>;

/** Where checkpoints go and come from. */
export interface CheckpointStorage {
  /** Stores files while they are being written; an upload of them may be given what this returns. */
  storeAhead(writing: CheckpointBeingWritten): Promise<StoredAhead>;
  upload(draft: CheckpointDraft): Promise<UploadedCheckpoint>;
  /** What the manifest says about where the state comes from. */
  restore(from: RestoreOrder): Promise<{ readonly manifest: RestoredManifest }>;
}

/** Takes events at any time and sends them when it can. */
export interface EventSink {
  enqueue(event: WorkerEvent): void;
  /** Forgets what this attempt has not sent yet. */
  purge(lease: Lease): void;
  /** Settles when everything that this attempt has told so far is recorded, or the time is over. */
  flush(lease: Lease, withinMs: number): Promise<void>;
}

export type TrainerReady = Extract<TrainerEvent, { type: 'ready' }>;

/** How a trainer process ended. */
export interface TrainerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of stderr. */
  readonly stderrTail: readonly string[];
  /** Set when it spoke something other than the protocol and was killed for it. */
  readonly violation: string | null;
}

export interface TrainerListener {
  onEvent(event: TrainerEvent): void;
  onLog(stream: 'stdout' | 'stderr', line: string): void;
  /** Comes last, and once. */
  onExit(exit: TrainerExit): void;
}

/** A started trainer that nobody has given an operation yet. */
export interface Trainer {
  readonly ready: TrainerReady;
  attach(listener: TrainerListener): void;
  /** Writing to a trainer that is gone does nothing: its exit tells. */
  send(control: TrainerControl): void;
  /** SIGKILL. */
  kill(): void;
}

/** What a trainer is wanted for. */
export interface TrainerJob extends Lease {
  readonly spec: unknown;
  /** The attempt's own folder. */
  readonly folder: string;
  readonly dataFile: string | null;
  /** The checkpoint on this machine that it continues from. */
  readonly resume: { readonly dir: string; readonly step: number } | null;
}

/** The trainer that comes with the worker. */
export interface BuiltInTrainers {
  /** A trainer that is ready; a warm one if there is one. */
  take(job: TrainerJob): Promise<Trainer>;
  /** Makes sure that one idle trainer is warm. */
  refill(): void;
}

/** Trainers for every operation. */
export interface TrainerSource extends BuiltInTrainers {
  /** It has ended. */
  release(trainer: Trainer): void;
}

export interface DataSources {
  /** A local file for the data source, or null when the trainer has it built in. */
  resolve(source: string, folder: string): Promise<string | null>;
}

/** Settles once the lease is known to be recent, or nobody could be asked; by then a lost lease has been told. */
export type ConfirmLease = () => Promise<void>;

export type MachineReading = Pick<
  ResourceSnapshot,
  'cpu_percent' | 'memory_used_bytes' | 'memory_total_bytes' | 'gpus'
>;

/** Measures resources. Nothing throws, and nothing takes longer than half a second: what cannot be measured is null. */
export interface ResourceMeter {
  /** A trainer trains: what it does to the CPU is of interest if it is paused soon. Cheap; any number of times. */
  observe(): void;
  machine(): Promise<MachineReading>;
  /** Resident memory in bytes, now. */
  processMemory(pid: number): number | null;
}
