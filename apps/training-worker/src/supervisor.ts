import type { Directive } from '@ktrdr/contracts';
import type { Logger } from 'pino';
import { Backoff, sleep } from './api-link/backoff.js';
import type { LeaseHolder } from './api-link/lease-keeper.js';
import { OperationRun } from './run/operation-run.js';
import type { Lease } from './api-link/ports.js';
import type { RunPorts } from './run/ports.js';

/** Hints that a pool may have work. */
export interface WorkHints {
  /** Returns a function that ends it. */
  listen(heard: () => void): () => void;
}

export interface SupervisorSettings {
  readonly slots: number;
  readonly pool: string;
  readonly capabilities: readonly string[];
}

/** Then the same claim is asked for again. */
const CLAIM_TIMEOUT_MS = 1_000;
const CLAIM_RETRY = { firstMs: 250, lastMs: 5_000 };
/** Left of the grace for handing back what could not be saved. */
const GIVE_UP_MS = 2_500;

/** Fills this worker's slots: claims operations, runs them, and hands them back when it must stop. */
export class Supervisor implements LeaseHolder {
  private readonly runs = new Map<OperationRun, Promise<void>>();
  private readonly stopTaking = new AbortController();
  private isDraining = false;
  private isRegistered = false;
  /** Kept until it is answered: a claim that took effect without an answer is found again by it. */
  private claimId: string | undefined;
  /** After a hint, a heartbeat, a registration, a finished operation or an unanswered claim. */
  private workMayWait = false;
  private stopListening: (() => void) | undefined;
  private backingOff = new AbortController();
  private taking: Promise<void> = Promise.resolve();
  private changed = Promise.withResolvers<void>();

  constructor(
    private readonly settings: SupervisorSettings,
    private readonly ports: RunPorts,
    private readonly hints: WorkHints,
    private readonly log: Logger,
  ) {}

  leases(): readonly Lease[] {
    return [...this.runs.keys()].map(({ lease }) => lease);
  }

  takeMoved(lease: Lease): boolean {
    return this.runOf(lease)?.takeMoved() ?? false;
  }

  freeSlots(): number {
    return this.canTake ? Math.max(0, this.settings.slots - this.runs.size) : 0;
  }

  obey(lease: Lease, directive: Directive): void {
    this.runOf(lease)?.obey(directive);
  }

  /** Draining hands back what runs, so that it goes on elsewhere, and takes nothing new. */
  drain(draining: boolean): void {
    if (draining === this.isDraining) return;
    this.isDraining = draining;
    this.log.info({ draining }, 'draining changed');
    if (draining) for (const run of this.runs.keys()) run.shutDown('drain');
    this.workWaits();
  }

  registered(): void {
    this.isRegistered = true;
    this.workWaits();
  }

  workWaits(): void {
    this.workMayWait = true;
    this.backingOff.abort();
    this.notifyChange();
  }

  /** Takes work until `shutDown`. */
  run(): Promise<void> {
    this.taking = this.take();
    return this.taking;
  }

  /** Saves and hands back everything that runs; what has not managed within the grace goes back as last committed. */
  async shutDown(graceMs: number): Promise<void> {
    this.stopTaking.abort();
    this.notifyChange();
    const graceOver = new AbortController();
    for (const run of this.runs.keys()) run.shutDown('worker-shutdown');
    const finished = this.taking.then(() => this.allFinished()).finally(() => graceOver.abort());
    await Promise.race([finished, sleep(Math.max(0, graceMs - GIVE_UP_MS), graceOver.signal)]);
    for (const run of this.runs.keys()) {
      this.log.warn({ ...run.lease }, 'shutdown grace over, trainer killed');
      run.giveUp();
    }
    await Promise.race([finished, sleep(GIVE_UP_MS, graceOver.signal)]);
  }

  private runOf({ operationId, attempt }: Lease): OperationRun | undefined {
    return [...this.runs.keys()].find(({ lease }) => lease.operationId === operationId && lease.attempt === attempt);
  }

  private get canTake(): boolean {
    return !this.isDraining && !this.stopTaking.signal.aborted;
  }

  private async take(): Promise<void> {
    const { signal } = this.stopTaking;
    const backoff = new Backoff(CLAIM_RETRY);
    while (!signal.aborted) {
      const isFree = this.isRegistered && this.freeSlots() > 0;
      this.listen(isFree);
      if (!isFree || !this.workMayWait) {
        await this.changed.promise;
        continue;
      }
      this.workMayWait = false;
      this.backingOff = new AbortController();
      if (await this.claim()) backoff.reset();
      else await backoff.wait(AbortSignal.any([signal, this.backingOff.signal]));
    }
    this.listen(false);
  }

  /** A hint reaches one listener of the pool, so a worker without a free slot must not listen. */
  private listen(isFree: boolean): void {
    if (isFree) this.stopListening ??= this.hints.listen(() => this.workWaits());
    else {
      this.stopListening?.();
      this.stopListening = undefined;
    }
  }

  /** False: no answer. */
  private async claim(): Promise<boolean> {
    const { pool, capabilities } = this.settings;
    this.claimId ??= this.ports.newId();
    const request = { worker_id: this.ports.workerId, claim_id: this.claimId, pool, capabilities: [...capabilities] };
    try {
      const { operation } = await this.ports.rpc.call('claim', request, { timeoutMs: CLAIM_TIMEOUT_MS });
      if (operation) await this.ports.failpoints.reach('claim.answered', operation.operation_id);
      this.claimId = undefined;
      if (!operation) return true;
      this.start(new OperationRun(operation, this.ports));
      this.workMayWait = true; // others may wait too
      return true;
    } catch (err) {
      this.workMayWait = true; // the same claim id finds what was claimed already
      this.log.debug({ err }, 'claim not answered');
      return false;
    }
  }

  private start(run: OperationRun): void {
    this.log.info({ ...run.lease }, 'operation claimed');
    if (!this.canTake) run.shutDown(this.isDraining ? 'drain' : 'worker-shutdown');
    const done = run.execute().then((outcome) => {
      this.log.info({ ...run.lease, outcome }, 'operation left');
      this.runs.delete(run);
      this.workWaits();
    });
    this.runs.set(run, done);
  }

  private async allFinished(): Promise<void> {
    while (this.runs.size > 0) await Promise.all(this.runs.values());
  }

  private notifyChange(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}
