import type { Logger } from 'pino';

/** What probes are answered from. The worker fills in its parts as it starts. */
export interface ProbedWorker {
  readonly slots: number;
  /** Rejects when the object store cannot be reached or written to. */
  readonly checkObjectStore: () => Promise<void>;
  leases?: { readonly isKnown: boolean; sinceLastTurnMs(): number | null };
  session?: { readonly isConnected: boolean };
  supervisor?: { leases(): readonly unknown[] };
  events?: { readonly waiting: number };
}

export type PartHealth = { readonly status: 'up' } | { readonly status: 'down'; readonly reason: string };

export interface Readiness {
  readonly isReady: boolean;
  readonly parts: Readonly<Record<'registration' | 'nats' | 'object_store', PartHealth>>;
}

/** The longest silence of a sound loop is the wait between two tries to register, 35 s. */
const STUCK_AFTER_MS = 60_000;
/** A check writes to the store; an eager prober costs no more than one write in this time. */
const STORE_CHECKED_FOR_MS = 5_000;
const STORE_ANSWERS_WITHIN_MS = 3_000;

const UP: PartHealth = { status: 'up' };
const down = (reason: string): PartHealth => ({ status: 'down', reason });

/** Tells an orchestrator whether this worker lives, and whether it can take work. */
export class WorkerHealth {
  private store: { readonly health: Promise<PartHealth>; readonly askedAt: number } | undefined;

  private readonly reported = new Map<string, string | undefined>();

  constructor(
    private readonly worker: ProbedWorker,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** False: the loop that keeps leases is stuck, and only a restart helps. An outage of NATS or the API is none. */
  isLive(): boolean {
    return (this.worker.leases?.sinceLastTurnMs() ?? 0) < STUCK_AFTER_MS;
  }

  async readiness(): Promise<Readiness> {
    const nats = this.worker.session?.isConnected ? UP : down('not connected');
    const registration = this.worker.leases?.isKnown ? UP : down('the API has not registered this worker');
    const parts = { registration, nats, object_store: await this.objectStore() };
    for (const [part, health] of Object.entries(parts)) this.report(part, health);
    return { isReady: Object.values(parts).every(({ status }) => status === 'up'), parts };
  }

  /** Each change once: a prober asks again and again. */
  private report(part: string, health: PartHealth): void {
    const reason = health.status === 'down' ? health.reason : undefined;
    if (reason === this.reported.get(part)) return;
    if (reason === undefined) this.log.info({ part }, 'ready again');
    else this.log.warn({ part, reason }, 'not ready');
    this.reported.set(part, reason);
  }

  private objectStore(): Promise<PartHealth> {
    if (!this.store || this.now() - this.store.askedAt > STORE_CHECKED_FOR_MS)
      this.store = { health: this.checkObjectStore(), askedAt: this.now() };
    return this.store.health;
  }

  private async checkObjectStore(): Promise<PartHealth> {
    const { promise: late, resolve } = Promise.withResolvers<PartHealth>();
    const timer = setTimeout(
      () => resolve(down(`no answer within ${STORE_ANSWERS_WITHIN_MS / 1000} s`)),
      STORE_ANSWERS_WITHIN_MS,
    );
    const checked = this.worker.checkObjectStore().then(
      () => UP,
      (error: unknown) => down(error instanceof Error ? error.message : String(error)),
    );
    return Promise.race([checked, late]).finally(() => clearTimeout(timer));
  }
}
