import type { Directive, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import type { Logger } from 'pino';
import { Backoff, sleep } from './backoff.js';
import type { Lease, WorkerRpc } from './ports.js';

export interface LeaseHolder {
  leases(): readonly Lease[];
  /** Whether its trainer has stepped, or bytes of its checkpoints have moved, since this was asked last. */
  takeMoved(lease: Lease): boolean;
  freeSlots(): number;
  obey(lease: Lease, directive: Directive): void;
  drain(draining: boolean): void;
  /** There is work that it may take. */
  workWaits(): void;
  /** Registered, for the first time or again, and a heartbeat has said whether to drain. */
  registered(): void;
}

export type Registration = Omit<WorkerRpcRequest<'register'>, 'leases'>;

const REGISTER_RETRY = { firstMs: 1_000, lastMs: 30_000 };
const MIN_TIMEOUT_MS = 1_000;
const WHILE_UNANSWERED_MS = 500;

/**
 * Keeps this worker's leases alive and brings back what each operation should be doing. It waits for nothing else:
 * neither training nor the transfer of a checkpoint can delay a heartbeat.
 */
export class LeaseKeeper {
  private heartbeatMs = 2_000;
  private leaseMs = 6_000;
  private isRegistered = false;
  /** Registered, but no heartbeat was answered since: it may have to drain, so it takes no work yet. */
  private isNew = false;
  private confirmedAt = -Infinity;
  private turnedAt: number | null = null;
  private wakeUp = new AbortController();
  /** Leases that have moved since the last answered heartbeat. */
  private unreportedMoves: ReadonlySet<string> = new Set();
  private beating: Promise<void> | undefined;

  constructor(
    private readonly rpc: WorkerRpc,
    private readonly registration: Registration,
    private readonly holder: LeaseHolder,
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** How long ago this loop turned last, answered or not; null while it does not run. */
  sinceLastTurnMs(): number | null {
    return this.turnedAt === null ? null : this.now() - this.turnedAt;
  }

  get isKnown(): boolean {
    return this.isRegistered;
  }

  /** Registers and sends heartbeats until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.turnedAt = this.now();
      if (!this.isRegistered) await this.register(signal);
      if (signal.aborted) return;
      this.wakeUp = new AbortController();
      await this.beat();
      const waitMs = this.isRegistered ? this.untilNextBeat() : WHILE_UNANSWERED_MS;
      await sleep(waitMs, AbortSignal.any([signal, this.wakeUp.signal]));
    }
  }

  /** Something changed: hear of it now. */
  beatNow(): void {
    this.wakeUp.abort();
  }

  /**
   * Settles at once while the leases were confirmed recently. After a longer gap (the process was stopped, or the API
   * away) it asks first. When this settles, the holder knows of a lease that was lost meanwhile.
   */
  async confirm(): Promise<void> {
    if (this.now() - this.confirmedAt < this.leaseMs) return;
    await this.beat();
  }

  private async register(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(REGISTER_RETRY);
    for (;;) {
      this.turnedAt = this.now();
      try {
        const sentAt = this.now();
        const request = { ...this.registration, leases: this.holder.leases().map(toWire) };
        const reply = await this.rpc.call('register', request, { timeoutMs: 5_000 });
        this.heartbeatMs = reply.heartbeat_ms;
        this.leaseMs = reply.lease_ms;
        this.isRegistered = true;
        this.confirmedAt = sentAt;
        this.log.info({ heartbeatMs: reply.heartbeat_ms, leaseMs: reply.lease_ms }, 'worker registered');
        this.direct(reply);
        this.isNew = true;
        return;
      } catch (err) {
        this.log.warn({ reason: err instanceof Error ? err.message : String(err) }, 'worker not registered yet');
      }
      await backoff.wait(signal);
      if (signal.aborted) return;
    }
  }

  /** One at a time. A call during a heartbeat waits for the next, as the present one may predate the change. */
  private async beat(): Promise<void> {
    if (this.beating) await this.beating;
    this.beating ??= this.sendHeartbeat().finally(() => {
      this.beating = undefined;
    });
    await this.beating;
  }

  private async sendHeartbeat(): Promise<void> {
    const sentAt = this.now();
    const leases = this.holder.leases();
    const moved = new Set(
      leases
        .filter((lease) => this.holder.takeMoved(lease))
        .map(nameOf)
        .concat(...this.unreportedMoves),
    );
    this.unreportedMoves = moved;
    const request = {
      worker_id: this.registration.worker_id,
      free_slots: this.holder.freeSlots(),
      leases: leases.map((lease) => ({ ...toWire(lease), moved: moved.has(nameOf(lease)) })),
    };
    try {
      const timeoutMs = Math.max(this.heartbeatMs, MIN_TIMEOUT_MS);
      const reply = await this.rpc.call('heartbeat', request, { timeoutMs });
      this.confirmedAt = sentAt;
      this.unreportedMoves = new Set();
      this.isRegistered = reply.registered;
      this.direct(reply);
      this.holder.drain(reply.draining);
      if (reply.work_waits) this.holder.workWaits();
      if (!this.isNew || !reply.registered) return;
      this.isNew = false;
      this.holder.registered();
    } catch (err) {
      this.log.debug({ err }, 'heartbeat not answered');
    }
  }

  private direct({ directives }: Pick<WorkerRpcReply<'heartbeat'>, 'directives'>): void {
    for (const { operation_id, attempt, directive } of directives) {
      this.holder.obey({ operationId: operation_id, attempt }, directive);
    }
  }

  private untilNextBeat(): number {
    const sinceConfirmed = this.now() - this.confirmedAt;
    if (sinceConfirmed > this.heartbeatMs) return WHILE_UNANSWERED_MS;
    return this.heartbeatMs - sinceConfirmed;
  }
}

function toWire({ operationId, attempt }: Lease): { operation_id: string; attempt: number } {
  return { operation_id: operationId, attempt };
}

function nameOf({ operationId, attempt }: Lease): string {
  return `${operationId} ${attempt}`;
}
