import { setImmediate as turn } from 'node:timers/promises';
import type { CheckpointBeingWritten, CheckpointDraft, EarlyBlobs, UploadedCheckpoint } from '@ktrdr/checkpoint';
import type { TrainerControl, TrainerEvent, WorkerEvent, WorkerRpcMethod, WorkerRpcReply } from '@ktrdr/contracts';
import type { CheckpointStorage, RestoredManifest } from '../checkpoints/ports.js';
import type { EventSink } from '../events/event-recorder.js';
import type { Lease, WorkerRpc } from '../api-link/ports.js';
import type { MachineReading, ResourceMeter } from '../machine/pause-snapshot.js';
import type { Trainer, TrainerExit, TrainerListener, TrainerReady, TrainerSource } from '../trainers/ports.js';

type Answer = (request: never) => unknown;

/** An API that accepts everything, except where a test has another answer. */
export class InMemoryApi implements WorkerRpc {
  readonly calls: { readonly method: WorkerRpcMethod; readonly request: Record<string, unknown> }[] = [];
  readonly answers: Partial<Record<WorkerRpcMethod, Answer>> = {};

  async call<M extends WorkerRpcMethod>(method: M, request: unknown): Promise<WorkerRpcReply<M>> {
    this.calls.push({ method, request: request as Record<string, unknown> });
    await turn();
    const answer = this.answers[method];
    return (answer ? answer(request as never) : usualAnswer(method, request)) as WorkerRpcReply<M>;
  }

  requests(method: WorkerRpcMethod): Record<string, unknown>[] {
    return this.calls.filter((call) => call.method === method).map(({ request }) => request);
  }

  methods(): WorkerRpcMethod[] {
    return this.calls.map(({ method }) => method);
  }
}

function usualAnswer(method: WorkerRpcMethod, request: unknown): unknown {
  switch (method) {
    case 'register':
      return { heartbeat_ms: 2_000, lease_ms: 6_000, directives: [] };
    case 'heartbeat':
      return { registered: true, draining: false, work_waits: false, directives: [] };
    case 'claim':
      return { operation: null };
    case 'events':
      return { operations: [] };
    case 'restored':
    case 'checkpoint-failed':
      return { directive: { kind: 'run' } };
    case 'restore-failed':
      return { resume: null };
    case 'checkpoint-commit':
      return { checkpoint_id: (request as { checkpoint: { id: string } }).checkpoint.id };
    default:
      return { status: method };
  }
}

/** A trainer that does what the test says, when the test says it. */
export class InMemoryTrainer implements Trainer {
  readonly ready: TrainerReady = {
    type: 'ready',
    trainer: 'fake',
    version: '1',
    pid: process.pid,
    backends: ['cpu'],
    operation_types: ['training'],
  };
  readonly controls: TrainerControl[] = [];
  isKilled = false;
  private listener: TrainerListener | undefined;
  private hasExited = false;

  attach(listener: TrainerListener): void {
    this.listener = listener;
    if (this.isKilled) this.exit({ signal: 'SIGKILL', code: null });
  }

  send(control: TrainerControl): void {
    this.controls.push(control);
  }

  kill(): void {
    this.isKilled = true;
    this.exit({ signal: 'SIGKILL', code: null });
  }

  tell(...events: TrainerEvent[]): void {
    for (const event of events) this.listener?.onEvent(event);
  }

  exit(exit: Partial<TrainerExit> = {}): void {
    if (this.hasExited || !this.listener) return;
    this.hasExited = true;
    this.listener.onExit({ code: 0, signal: null, stderrTail: [], violation: null, ...exit });
  }

  controlsOf<T extends TrainerControl['type']>(type: T): Extract<TrainerControl, { type: T }>[] {
    return this.controls.filter((control): control is Extract<TrainerControl, { type: T }> => control.type === type);
  }
}

export class InMemoryTrainers implements TrainerSource {
  readonly taken: InMemoryTrainer[] = [];
  refills = 0;

  take(): Promise<InMemoryTrainer> {
    const trainer = new InMemoryTrainer();
    this.taken.push(trainer);
    return Promise.resolve(trainer);
  }

  refill(): void {
    this.refills += 1;
  }

  release(): void {}
}

/** Remembers what was stored; `beforeEarlyStore`, `beforeUpload` and `beforeRestore` can fail or wait. */
export class InMemoryStorage implements CheckpointStorage {
  readonly uploads: CheckpointDraft[] = [];
  readonly startedEarly: CheckpointBeingWritten[] = [];
  readonly restores: string[] = [];
  /** What restored checkpoints say about where they come from. */
  manifest: RestoredManifest = {
    trainer: { name: 'fake', version: '1' },
    backend: { name: 'cpu', version: '1' },
    data_fingerprint: 'd',
    spec_sha256: 'abc',
  };
  beforeEarlyStore: (writing: CheckpointBeingWritten) => Promise<void> | void = () => undefined;
  beforeUpload: (draft: CheckpointDraft) => Promise<void> | void = () => undefined;
  beforeRestore: (manifestKey: string) => Promise<void> | void = () => undefined;

  async startEarly(writing: CheckpointBeingWritten): Promise<EarlyBlobs> {
    this.startedEarly.push(writing);
    await this.beforeEarlyStore(writing);
    return { files: [], uploadedBytes: 10 };
  }

  async upload(draft: CheckpointDraft): Promise<UploadedCheckpoint> {
    await this.beforeUpload(draft);
    this.uploads.push(draft);
    const { dir: _dir, files: _files, early: _ahead, ...position } = draft;
    const manifest = { schema_version: 1 as const, ...position, files: [] };
    const manifestKey = `checkpoints/${draft.checkpoint_id}/manifest.json`;
    return { manifestKey, manifestSha256: 'sha', manifest, bytes: 10, uploadedBytes: 10 };
  }

  async restore({ manifestKey }: { readonly manifestKey: string }): Promise<{ manifest: RestoredManifest }> {
    this.restores.push(manifestKey);
    await this.beforeRestore(manifestKey);
    return { manifest: this.manifest };
  }
}

export class InMemoryEvents implements EventSink {
  events: WorkerEvent[] = [];
  readonly purged: Lease[] = [];

  enqueue(event: WorkerEvent): void {
    this.events.push(event);
  }

  purge(lease: Lease): void {
    this.purged.push(lease);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

/** A machine with these figures, whose trainers need a byte more each time somebody looks. */
export class InMemoryMeter implements ResourceMeter {
  reading: MachineReading = { cpu_percent: 50, memory_used_bytes: 1, memory_total_bytes: 2, gpus: [] };
  readings = 0;
  observations = 0;
  private looks = 0;

  observe(): void {
    this.observations += 1;
  }

  machine(): Promise<MachineReading> {
    this.readings += 1;
    return Promise.resolve(this.reading);
  }

  processMemory(): number {
    this.looks += 1;
    return this.looks;
  }
}
