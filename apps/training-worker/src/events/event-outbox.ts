import { MOST_EVENTS, type WorkerEvent } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { Logger } from 'pino';
import { Backoff, sleep } from '../api-link/backoff.js';
import type { EventSpool } from './event-spool.js';
import type { ConfirmLease, Lease, WorkerRpc } from '../api-link/ports.js';
import type { EventSink } from './event-recorder.js';
import { warningInPlaceOf, keyOf, memoryOf, type QueuedEvent, toQueued } from './queued-event.js';

/** The way to the API that events have for themselves. */
export interface EventChannel extends WorkerRpc {
  /** What one request may measure. */
  readonly maxBytes: number;
}

/** More waits on disk: V8's heap keeps several times the room that events once took. */
const MEMORY_BYTES = 4 * 1024 * 1024;
const GATHER_MS = 50;
const ANSWER_WITHIN_MS = 5_000;
const RETRY = { firstMs: 200, lastMs: 1_000 };
/** After `busy` and after a reconnect, when many come at once. */
const SPREAD_MS = 1_000;
const FIRST_EVENTS = 16;

interface Account {
  queued: number;
  settled: number;
}

/**
 * Events on their way out, in order: one batch under way, the rest in memory and, beyond its bound, on disk. A batch is
 * repeated until it is answered; the API recognises what it has.
 */
export class EventOutbox implements EventSink {
  private queue: QueuedEvent[] = [];
  private queueBytes = 0;
  /** Sent and not answered yet. */
  private batch: readonly QueuedEvent[] = [];
  private mostEvents = FIRST_EVENTS;
  private isToSpread = false;
  private isHurried = false;
  /** Numbers of the newest queued and newest settled event, of attempts with unsettled events. */
  private readonly accounts = new Map<string, Account>();
  private readonly purged = new Set<string>();
  private changed = Promise.withResolvers<void>();

  constructor(
    private readonly channel: EventChannel,
    private readonly workerId: string,
    private readonly spool: EventSpool,
    private readonly confirmLease: ConfirmLease,
    private readonly log: Logger,
    private readonly memoryBytes = MEMORY_BYTES,
  ) {}

  enqueue(event: WorkerEvent): void {
    const queued = toQueued(event);
    if (this.purged.has(queued.key)) return;
    if (this.spool.isEmpty && this.queueBytes + memoryOf([queued]) <= this.memoryBytes) this.push([queued]);
    else if (!this.spool.add(queued)) return;
    const account = this.accounts.get(queued.key) ?? { queued: 0, settled: 0 };
    this.accounts.set(queued.key, { ...account, queued: queued.n });
    this.notifyChange();
  }

  purge({ operationId, attempt }: Lease): void {
    const key = keyOf(operationId, attempt);
    this.purged.add(key);
    this.accounts.delete(key);
    const kept = this.queue.filter((event) => event.key !== key);
    this.queue = [];
    this.queueBytes = 0;
    this.push(kept);
    this.notifyChange();
  }

  /** Events that are not confirmed yet. */
  get waiting(): number {
    return [...this.accounts.values()].reduce((sum, { queued, settled }) => sum + queued - settled, 0);
  }

  async flush({ operationId, attempt }: Lease, withinMs: number): Promise<void> {
    const key = keyOf(operationId, attempt);
    const upTo = this.accounts.get(key)?.queued ?? 0;
    await this.until(() => (this.accounts.get(key)?.settled ?? Infinity) >= upTo, withinMs);
  }

  /** Settles when everything was delivered, or the time is over. */
  async drain(withinMs: number): Promise<void> {
    await this.until(() => this.accounts.size === 0, withinMs);
  }

  /** Many come back at once: what is sent next waits a moment, and is little. */
  reconnected(): void {
    this.mostEvents = FIRST_EVENTS;
    this.isToSpread = true;
  }

  /** Sends until the signal aborts, and then writes down what it could not send. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.notifyChange(), { once: true });
    await this.spool.open();
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      try {
        if (!(await this.gather(signal))) continue;
        if (this.isToSpread) await sleep(Math.random() * SPREAD_MS, signal);
        this.isToSpread = false;
        await this.confirmLease();
        await this.send();
        backoff.reset();
      } catch (err) {
        this.log.debug({ err, waiting: this.queue.length + this.batch.length }, 'events not delivered yet');
        if (err instanceof DomainError && err.code === 'busy') this.reconnected();
        else await backoff.wait(signal);
      }
    }
    await this.spool
      .close([...this.batch, ...this.queue])
      .catch((err: unknown) => this.log.error({ err }, 'events lost'));
  }

  /** False: look again whether there is anything to send. */
  private async gather(signal: AbortSignal): Promise<boolean> {
    if (this.batch.length > 0) return true;
    if (this.queue.length === 0) this.push(await this.refill());
    if (this.queue.length === 0) {
      this.isHurried = false;
      if (!signal.aborted) await this.changed.promise;
      return false;
    }
    const gathered = performance.now() + GATHER_MS;
    while (!this.isHurried && this.queue.length < this.mostEvents && performance.now() < gathered && !signal.aborted)
      await Promise.race([this.changed.promise, sleep(gathered - performance.now() + 1, signal)]);
    return !signal.aborted;
  }

  /** Reads the next events from disk, and skips those of ended attempts. */
  private async refill(): Promise<readonly QueuedEvent[]> {
    while (!this.spool.isEmpty) {
      const events = (await this.spool.take()).filter(({ key }) => !this.purged.has(key));
      if (events.length > 0) return events;
    }
    await this.spool.settled();
    return [];
  }

  private async send(): Promise<void> {
    // Repeats the batch unchanged, without events of ended attempts, and cut short after a reconnect.
    const repeated = this.batch.filter(({ key }) => !this.purged.has(key));
    this.batch = repeated.slice(0, this.mostEvents);
    if (repeated.length > this.batch.length) this.push(repeated.slice(this.mostEvents), 'first');
    if (this.batch.length === 0) this.takeBatch();
    if (this.batch.length === 0) return;
    const events = this.batch.map(({ line }) => JSON.parse(line) as unknown);
    const asked = { worker_id: this.workerId, events };
    try {
      const { operations } = await this.channel.call('events', asked, { timeoutMs: ANSWER_WITHIN_MS });
      for (const { operation_id: operationId, attempt, outcome } of operations)
        if (outcome === 'ended') this.purge({ operationId, attempt });
    } catch (error) {
      const isRefused = error instanceof DomainError && error.code === 'request-invalid';
      if (!isRefused) throw error;
      if (this.batch.length > 1) {
        this.mostEvents = Math.max(1, this.batch.length >> 1);
        throw error;
      }
      this.log.error({ err: error, event: events[0] }, 'an event is refused, dropped');
    }
    this.settle();
    this.mostEvents = Math.min(this.mostEvents * 2, MOST_EVENTS);
  }

  private takeBatch(): void {
    const mostBytes = this.channel.maxBytes / 2;
    let bytes = 0;
    const end = this.queue.findIndex((event, index) => {
      bytes += event.bytes;
      return index > 0 && (index >= this.mostEvents || bytes > mostBytes);
    });
    const batch = this.queue.splice(0, end === -1 ? this.queue.length : end);
    this.queueBytes -= memoryOf(batch);
    this.batch = batch.map((event) =>
      event.bytes <= this.channel.maxBytes / 2
        ? event
        : warningInPlaceOf(
            event,
            'event-too-large',
            `An event of the type ${event.type} was left out: it has ${event.bytes} bytes`,
          ),
    );
  }

  private settle(): void {
    for (const { key, n } of this.batch) {
      const account = this.accounts.get(key);
      if (!account) continue;
      account.settled = Math.max(account.settled, n);
      if (account.settled >= account.queued) this.accounts.delete(key);
    }
    this.batch = [];
    this.notifyChange();
  }

  private push(events: readonly QueuedEvent[], where: 'first' | 'last' = 'last'): void {
    this.queue = where === 'first' ? [...events, ...this.queue] : this.queue;
    if (where === 'last') for (const event of events) this.queue.push(event);
    this.queueBytes += memoryOf(events);
  }

  private async until(condition: () => boolean, withinMs: number): Promise<void> {
    if (condition()) return;
    this.isHurried = true;
    this.notifyChange();
    const late = new AbortController();
    const over = sleep(withinMs, late.signal).then(() => late.abort());
    while (!condition() && !late.signal.aborted) await Promise.race([this.changed.promise, over]);
    late.abort();
  }

  private notifyChange(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers<void>();
  }
}
