import type { ClaimedOperation, Directive, WorkerEvent, WorkerRpcMethod, WorkerRpcRequest } from '@ktrdr/contracts';
import { HintPublisher, type NatsSession, WorkerRpcServer } from '@ktrdr/messaging-nats';
import { LeaseLostError } from '@ktrdr/operations';
import type { ScriptedCredentials } from './scripted-credentials.js';

export interface Call {
  readonly method: WorkerRpcMethod;
  readonly request: Record<string, unknown>;
}

type CheckpointRecord = WorkerRpcRequest<'checkpoint-commit'>['checkpoint'];

const HEARTBEAT_MS = 150;
const LEASE_MS = 1_000;

/** The worker's side of the API, kept in memory: one operation after another, fenced by its attempt. */
export class ScriptedApi {
  readonly calls: Call[] = [];
  readonly events: WorkerEvent[] = [];
  readonly checkpoints: CheckpointRecord[] = [];
  directive: Directive = { kind: 'run' };
  draining = false;
  /** What the next claims hand over differently. */
  offered: Partial<ClaimedOperation> = {};
  /** Newest attempt; what an older one sends is refused. */
  attempt = 0;
  status = 'queued';
  /** Answers that replace the usual ones, for tests of refusals. */
  intercept: (method: WorkerRpcMethod, request: Record<string, unknown>) => unknown = () => undefined;
  private claims = new Map<string, ClaimedOperation>();
  private server: WorkerRpcServer;

  constructor(
    private readonly session: NatsSession,
    private readonly credentials: Pick<ScriptedCredentials, 'identify' | 'keyOf'>,
    readonly operationId: string,
    private readonly spec: Record<string, unknown>,
  ) {
    this.server = this.newServer();
  }

  start(): void {
    this.server.start();
  }

  async close(): Promise<void> {
    await this.server.stop();
  }

  /** Away: nobody answers RPCs until it is back. */
  async goAway(): Promise<void> {
    await this.server.stop();
  }

  comeBack(): void {
    this.server = this.newServer();
    this.server.start();
  }

  /** Another worker gets the operation: whoever had it is fenced off. */
  takeAway(): void {
    this.attempt += 1;
    this.status = 'running';
  }

  offer(): void {
    this.status = this.checkpoints.length > 0 ? 'resuming' : 'queued';
    this.directive = { kind: 'run' };
    new HintPublisher(this.session).work('default');
  }

  hint(workerId: string): void {
    new HintPublisher(this.session).control(this.credentials.keyOf(workerId));
  }

  callsOf<M extends WorkerRpcMethod>(method: M): WorkerRpcRequest<M>[] {
    return this.calls.filter((call) => call.method === method).map(({ request }) => request as WorkerRpcRequest<M>);
  }

  steps(): number[] {
    return this.events.flatMap(({ body }) => (body.type === 'progress' ? [body.step] : []));
  }

  private newServer(): WorkerRpcServer {
    const methods = ['register', 'claim', 'heartbeat', 'restored', 'restore-failed', 'checkpoint-commit'] as const;
    const ends = ['events', 'checkpoint-failed', 'paused', 'cancelled', 'completed', 'failed', 'released'] as const;
    const all: WorkerRpcMethod[] = [...methods, ...ends];
    const handlers = Object.fromEntries(
      all.map((method) => [method, (request: Record<string, unknown>) => this.answer(method, request)]),
    );
    return new WorkerRpcServer(this.session, handlers as never, {
      identify: this.credentials.identify,
      onError: () => undefined,
    });
  }

  private answer(method: WorkerRpcMethod, request: Record<string, unknown>): Promise<unknown> {
    if (method !== 'events') this.calls.push({ method, request });
    return Promise.resolve().then(() => this.intercept(method, request) ?? this.usual(method, request));
  }

  private usual(method: WorkerRpcMethod, request: Record<string, unknown>): unknown {
    if (method === 'register') return { heartbeat_ms: HEARTBEAT_MS, lease_ms: LEASE_MS, directives: [] };
    if (method === 'claim') return { operation: this.claim(request as WorkerRpcRequest<'claim'>) };
    if (method === 'heartbeat') return this.heartbeat(request as WorkerRpcRequest<'heartbeat'>);
    if (method === 'events') return this.record(request as WorkerRpcRequest<'events'>);
    const { attempt } = request as { attempt: number };
    if (attempt !== this.attempt || !['running', 'pausing', 'cancelling'].includes(this.status)) {
      throw new LeaseLostError({ operationId: this.operationId, attempt });
    }
    switch (method) {
      case 'restored':
      case 'checkpoint-failed':
        if (request['pause_abandoned']) this.directive = { kind: 'run' };
        return { directive: this.directive };
      case 'restore-failed':
        return { resume: this.resumeChoice(this.checkpoints.at(-2)) };
      case 'checkpoint-commit': {
        const { checkpoint } = request as WorkerRpcRequest<'checkpoint-commit'>;
        if (!this.checkpoints.some(({ id }) => id === checkpoint.id)) this.checkpoints.push(checkpoint);
        return { checkpoint_id: checkpoint.id };
      }
      default:
        this.status = method === 'released' ? 'resuming' : method;
        return { status: this.status };
    }
  }

  private claim({ claim_id, worker_id }: WorkerRpcRequest<'claim'>): ClaimedOperation | null {
    const known = this.claims.get(claim_id);
    if (known) return known;
    if (this.status !== 'queued' && this.status !== 'resuming') return null;
    this.attempt += 1;
    this.status = 'running';
    const operation: ClaimedOperation = {
      operation_id: this.operationId,
      attempt: this.attempt,
      worker_id,
      type: 'training',
      spec: this.spec,
      accepted_spec_sha256: [],
      spec_sha256: 'abc',
      lease_ms: LEASE_MS,
      pinned_backend: null,
      allow_backend_change: false,
      resume: this.resumeChoice(this.checkpoints.at(-1)),
      fell_back_from: null,
      directive: this.directive,
      ...this.offered,
    };
    this.claims.set(claim_id, operation);
    return operation;
  }

  private resumeChoice(checkpoint: CheckpointRecord | undefined): ClaimedOperation['resume'] {
    if (!checkpoint) return null;
    const { id, manifest_key, manifest_sha256, step, epoch } = checkpoint;
    return { checkpoint_id: id, manifest_key, manifest_sha256, step, epoch };
  }

  /** Each event once, as the API does. */
  private record({ events }: WorkerRpcRequest<'events'>): unknown {
    for (const event of events as WorkerEvent[]) {
      const isKnown = this.events.some(({ attempt, n }) => attempt === event.attempt && n === event.n);
      if (!isKnown) this.events.push(event);
    }
    return { operations: [] };
  }

  private heartbeat({ leases, free_slots }: WorkerRpcRequest<'heartbeat'>): unknown {
    const directives = leases.map(({ operation_id, attempt }) => ({
      operation_id,
      attempt,
      directive: attempt === this.attempt ? this.directive : { kind: 'lease-lost', reason: 'another attempt has it' },
    }));
    const waits = this.status === 'queued' || this.status === 'resuming';
    return { registered: true, draining: this.draining, work_waits: waits && free_slots > 0, directives };
  }
}
