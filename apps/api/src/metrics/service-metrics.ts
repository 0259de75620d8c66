import { achieved, type TransitionCommand, type TransitionOutcome } from '@ktrdr/operations';
import { type Claimed, type Database, readServiceFigures, type TransitionListener } from '@ktrdr/operations-prisma';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const WAIT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const SAVE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What Prometheus is told. Counters and histograms are of this replica; gauges are read from the database. */
export class ServiceMetrics implements TransitionListener {
  readonly registry = new Registry();
  private readonly transitions = this.counter('ktrdr_transitions_total', 'Transitions made by this replica', [
    'event',
    'to',
  ]);
  private readonly refusals = this.counter('ktrdr_transitions_refused_total', 'Transitions whose guard did not hold', [
    'event',
  ]);
  private readonly expiries = this.counter('ktrdr_lease_expiries_total', 'Leases that ran out', ['to']);
  private readonly claimWait = this.histogram(
    'ktrdr_claim_wait_seconds',
    'How long an operation waited to be claimed, in the status that it was claimed from',
    WAIT_BUCKETS,
    ['from'],
  );
  private readonly saveSeconds = this.histogram(
    'ktrdr_checkpoint_save_seconds',
    'From capture to commit',
    SAVE_BUCKETS,
    ['kind'],
  );
  private readonly stallSeconds = this.histogram(
    'ktrdr_checkpoint_stall_seconds',
    'Training stood still for a save',
    SAVE_BUCKETS,
    ['kind'],
  );
  private readonly savedBytes = this.counter('ktrdr_checkpoint_bytes_total', 'Bytes of committed checkpoints', [
    'kind',
  ]);
  private readonly uploadedBytes = this.counter('ktrdr_checkpoint_uploaded_bytes_total', 'Bytes that had to be sent', [
    'kind',
  ]);
  private readonly droppedEvents = this.counter('ktrdr_events_dropped_total', 'Events that could not be recorded', []);
  private readonly droppedRequests = this.counter(
    'ktrdr_worker_requests_dropped_total',
    'Requests of workers that were dropped unread, as their asker did not wait any more',
    ['method'],
  );
  private readonly operations = this.gauge('ktrdr_operations', 'Operations by pool and status', ['pool', 'status']);
  private readonly queueDepth = this.gauge('ktrdr_queue_depth', 'Operations that wait for a worker', ['pool']);
  private readonly queueAge = this.gauge('ktrdr_queue_oldest_seconds', 'How long the longest has waited', ['pool']);
  private readonly saveInterval = this.gauge(
    'ktrdr_checkpoint_interval_seconds',
    'From one save to the next, of running operations that save by a budget',
    ['operation'],
  );
  private readonly saveOverhead = this.gauge(
    'ktrdr_checkpoint_overhead_ratio',
    'What saving has cost of their time, over all attempts',
    ['operation'],
  );
  private readonly unprotected = this.gauge(
    'ktrdr_checkpoint_longest_unprotected_seconds',
    'The most work of theirs that was unsaved at a moment',
    ['operation'],
  );
  private readonly webhooks = this.gauge('ktrdr_webhook_deliveries', 'Webhook deliveries', ['state']);
  private readonly workers = this.gauge('ktrdr_workers', 'Workers that are known', ['state']);

  constructor(
    private readonly database: Database,
    private readonly leaseMs: number,
  ) {
    collectDefaultMetrics({ register: this.registry, prefix: 'ktrdr_api_' });
  }

  transitioned({ event }: TransitionCommand, outcome: TransitionOutcome): void {
    if (outcome.kind === 'refused') {
      this.refusals.inc({ event });
      return;
    }
    this.transitions.inc({ event, to: outcome.operation.status });
    if (event === 'lease-expired') this.expiries.inc({ to: outcome.operation.status });
  }

  claimed({ from, ms }: NonNullable<Claimed['waited']>): void {
    this.transitions.inc({ event: 'claim', to: 'running' });
    this.claimWait.observe({ from }, ms / 1000);
  }

  checkpointCommitted(checkpoint: {
    readonly kind: string;
    readonly bytes: number;
    readonly uploadedBytes: number | null;
    readonly saveMs: number | null;
    readonly stallMs: number | null;
  }): void {
    const { kind, bytes, uploadedBytes, saveMs, stallMs } = checkpoint;
    this.savedBytes.inc({ kind }, bytes);
    if (uploadedBytes !== null) this.uploadedBytes.inc({ kind }, uploadedBytes);
    if (saveMs !== null) this.saveSeconds.observe({ kind }, saveMs / 1000);
    if (stallMs !== null) this.stallSeconds.observe({ kind }, stallMs / 1000);
  }

  eventDropped(): void {
    this.droppedEvents.inc();
  }

  requestDropped(method: string): void {
    this.droppedRequests.inc({ method });
  }

  /** The Prometheus text format. */
  async render(): Promise<string> {
    const figures = await readServiceFigures(this.database, this.leaseMs);
    for (const gauge of [this.operations, this.queueDepth, this.queueAge]) gauge.reset();
    for (const { pool, status, count } of figures.operations) this.operations.set({ pool, status }, count);
    for (const { pool, depth, oldestSeconds } of figures.queues) {
      this.queueDepth.set({ pool }, depth);
      this.queueAge.set({ pool }, oldestSeconds);
    }
    for (const gauge of [this.saveInterval, this.saveOverhead, this.unprotected]) gauge.reset();
    for (const { operationId: operation, checkpointing } of figures.checkpointing) {
      this.saveInterval.set({ operation }, checkpointing.intervalSeconds);
      this.saveOverhead.set({ operation }, achieved(checkpointing).overheadFraction);
      this.unprotected.set({ operation }, checkpointing.longestUnprotectedSeconds);
    }
    this.webhooks.set({ state: 'due' }, figures.webhooks.due);
    this.webhooks.set({ state: 'given_up' }, figures.webhooks.givenUp);
    this.workers.set({ state: 'alive' }, figures.workers.alive);
    this.workers.set({ state: 'silent' }, figures.workers.silent);
    return this.registry.metrics();
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(name: string, help: string, buckets: number[], labelNames: L[]): Histogram<L> {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.registry] });
  }
}
