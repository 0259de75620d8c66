import { WorkerEvent } from '@ktrdr/contracts';
import { parseStorable } from '@ktrdr/operations';
import { AckPolicy, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { reasonOf } from './errors.js';
import { EventInbox, type Received } from './event-inbox.js';
import type { NatsSession } from './nats-session.js';
import { pauseFor } from './timing.js';

export type EventHandler = (events: WorkerEvent[]) => Promise<void>;

export interface EventTrouble {
  readonly what: string;
  readonly reason: string;
  readonly error?: unknown;
}

export interface EventConsumption {
  readonly signal: AbortSignal;
  readonly maxBatch: number;
  /** How long the first event of a batch may wait for others. */
  readonly maxWaitMs: number;
  /** Told of unreadable events, of handlers that threw and of a stream that cannot be read. */
  readonly onTrouble?: (trouble: EventTrouble) => void;
}

const ACK_WAIT_MS = 30_000;
const STILL_WORKING_EVERY_MS = 10_000;
/** Delivered and not acknowledged, over all replicas: bounds what one of them holds in memory. */
const MAX_UNACKNOWLEDGED = 2_000;
const RETRY_MS = { first: 250, last: 1_000 };

/** Hands events to a handler in batches. Replicas that use the same durable share them. */
export class EventConsumer {
  constructor(
    private readonly session: NatsSession,
    private readonly durable: string,
  ) {}

  /**
   * Runs until the signal aborts. A batch is acknowledged after the handler returned; when it throws, the same batch
   * is handed to it again, later and later, so that the order is kept. After a lost connection an event can come
   * twice, and with several replicas after a later one: recognise it by operation, attempt and `n`.
   */
  async run(handler: EventHandler, options: EventConsumption): Promise<void> {
    const { signal, onTrouble } = options;
    let reported: string | undefined; // an outage is told once, not at every try
    while (!signal.aborted) {
      try {
        await this.consume(handler, options);
        reported = undefined;
      } catch (error) {
        const reason = reasonOf(error);
        if (!signal.aborted && reason !== reported) {
          onTrouble?.({ what: 'the event stream cannot be read', reason, error });
        }
        reported = reason;
      }
      await pauseFor(RETRY_MS.first, signal);
    }
  }

  private async consume(handler: EventHandler, options: EventConsumption): Promise<void> {
    const { signal, maxBatch, maxWaitMs } = options;
    const inbox = new EventInbox();
    const messages = await this.subscribe(maxBatch, (message) => {
      const event = readEvent(message, options.onTrouble);
      if (event) inbox.add({ message, event });
    });
    const end = (): void => void messages.close();
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    // A pull dies with the connection that asked for it.
    const unsubscribe = this.session.onStatus(({ kind }) => {
      if (kind !== 'error') end();
    });
    void messages.closed().then((reason) => inbox.close(reason instanceof Error ? reason : undefined));
    const working = setInterval(() => inbox.held().forEach(({ message }) => message.working()), STILL_WORKING_EVERY_MS);
    try {
      for (;;) {
        const batch = await inbox.take({ maxBatch, maxWaitMs });
        if (batch.length === 0) return;
        await this.settle(batch, handler, options);
        inbox.settled(batch);
      }
    } finally {
      clearInterval(working);
      signal.removeEventListener('abort', end);
      unsubscribe();
      await messages.close();
      inbox.held().forEach(({ message }) => message.nak());
    }
  }

  private async subscribe(maxBatch: number, callback: (message: JsMsg) => void) {
    if (!this.session.isConnected) throw new Error('not connected to NATS');
    const { eventStream } = this.session.subjects;
    const { consumers } = await this.session.manager();
    await consumers.add(eventStream, {
      durable_name: this.durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      deliver_policy: DeliverPolicy.All,
      max_ack_pending: MAX_UNACKNOWLEDGED,
    });
    const consumer = await this.session.jetstream.consumers.get(eventStream, this.durable);
    return consumer.consume({ max_messages: maxBatch, expires: 5_000, abort_on_missing_resource: true, callback });
  }

  private async settle(
    batch: readonly Received[],
    handler: EventHandler,
    { signal, onTrouble }: EventConsumption,
  ): Promise<void> {
    for (let waitMs = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.last)) {
      try {
        await handler(batch.map(({ event }) => event));
        batch.forEach(({ message }) => message.ack());
        return;
      } catch (error) {
        onTrouble?.({ what: 'events could not be handled', reason: reasonOf(error), error });
      }
      await pauseFor(waitMs, signal);
      if (signal.aborted) {
        batch.forEach(({ message }) => message.nak());
        return;
      }
    }
  }
}

function readEvent(message: JsMsg, onTrouble: EventConsumption['onTrouble']): WorkerEvent | null {
  let reason: string;
  try {
    const parsed = WorkerEvent.safeParse(parseStorable(message.string()));
    if (parsed.success) return parsed.data;
    reason = parsed.error.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join('; ');
  } catch (error) {
    reason = reasonOf(error);
  }
  message.term(); // bare: servers before 2.11 ignore a term with a reason and redeliver
  onTrouble?.({ what: `unreadable event ${message.seq} on ${message.subject}`, reason });
  return null;
}
