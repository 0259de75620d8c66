import { AckPolicy, type Consumer, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { reasonOf } from './errors.js';
import type { NatsSession } from './nats-session.js';
import { pauseFor } from './timing.js';

/** "This pool has work." Which operation it is, the claim decides. */
export interface Ticket {
  /** The operation it was written for, for the log; null when it cannot be read. */
  readonly operationId: string | null;
  /** It was told before the work waits: when the claim finds nothing, it is to be given back. */
  readonly isForetold: boolean;
  /** After the claim was answered; a ticket without ack comes back to some worker after 10 s. */
  ack(): void;
  /** Gives it to another worker now. */
  giveBack(): void;
}

export interface NextTicket {
  /** How long to wait for one, at least 1,000. */
  readonly expiresMs: number;
  readonly signal: AbortSignal;
}

const ACK_WAIT_MS = 10_000;
const RETRY_AFTER_MS = 500;
/** What was foretold and is sent is stored by then. */
const STORED_WITHIN_MS = 250;

/** A ticket that was heard of before it was stored, or before it was even sent. */
interface Heard {
  readonly operationId: string | null;
  readonly isForetold: boolean;
}

/** Idle workers of a pool share what is heard live, so that one publication wakes one of them. */
const IDLE = 'idle';

/**
 * Takes tickets of one pool, one at a time: a prefetched one would lie here while another worker stands idle.
 * While it waits for the stored ticket it also listens to the subject itself: one that is published meanwhile is heard
 * before the stream has stored and delivered it, which saves an idle worker a millisecond or two. What is foretold is
 * heard before it is published, which saves as much again. The stored one is settled when it comes, here or elsewhere.
 * A missing stream, a lost connection and a deleted consumer are only waiting: `next` answers null and can be
 * called again.
 */
export class TicketConsumer {
  private consumer: Consumer | undefined;

  constructor(
    private readonly session: NatsSession,
    private readonly pool: string,
    private readonly onTrouble: (reason: string) => void = () => undefined,
  ) {}

  /** The next ticket, or null when there was none in time, or none could be had. */
  async next({ expiresMs, signal }: NextTicket): Promise<Ticket | null> {
    if (signal.aborted) return null;
    try {
      if (!this.session.isConnected) throw new Error('not connected to NATS');
      this.consumer ??= await this.open();
      const live = this.listen(); // first: it throws when the connection is being closed, and nobody waits for a pull then
      const givenBack = new AbortController();
      const pulled = this.pull(this.consumer, expiresMs, AbortSignal.any([signal, givenBack.signal]));
      const first = await Promise.race([pulled, live.heard]).finally(() => live.end());
      if (first === null) return null;
      if ('operationId' in first) return this.ticketHeard(first, pulled, () => givenBack.abort());
      if (!signal.aborted) return toTicket(first);
      first.nak();
      return null;
    } catch (error) {
      this.consumer = undefined;
      if (signal.aborted) return null;
      this.onTrouble(reasonOf(error));
      await pauseFor(Math.min(RETRY_AFTER_MS, expiresMs), signal);
      return null;
    }
  }

  /** Hears of one ticket that is published or foretold from now on. */
  private listen(): { readonly heard: Promise<Heard>; end(): void } {
    const { promise: heard, resolve } = Promise.withResolvers<Heard>();
    const { dispatch, foretold } = this.session.subjects;
    const subscriptions = [foretold(this.pool), dispatch(this.pool)].map((subject, index) =>
      this.session.connection.subscribe(subject, {
        queue: IDLE,
        max: 1,
        callback: (error, message) => {
          if (!error) resolve({ operationId: operationIdOf(message), isForetold: index === 0 });
        },
      }),
    );
    return { heard, end: () => subscriptions.forEach((subscription) => subscription.unsubscribe()) };
  }

  /**
   * What the pull still brings is the stored ticket of the one that was heard, or one that others can use. Who gives it
   * back does not wait for long: what was only foretold may never be stored.
   */
  private ticketHeard({ operationId, isForetold }: Heard, pulled: Promise<JsMsg | null>, end: () => void): Ticket {
    const answered = Promise.withResolvers<'ack' | 'nak'>();
    pulled
      .then(async (stored) => {
        if (stored && operationIdOf(stored) === operationId) stored[await answered.promise]();
        else stored?.nak();
      })
      .catch((error: unknown) => this.onTrouble(reasonOf(error)));
    const giveBack = (): void => {
      answered.resolve('nak');
      setTimeout(end, STORED_WITHIN_MS).unref();
    };
    return { operationId, isForetold, ack: () => answered.resolve('ack'), giveBack };
  }

  private async open(): Promise<Consumer> {
    const { dispatchStream, dispatchConsumer, dispatch } = this.session.subjects;
    const { consumers } = await this.session.manager();
    const name = dispatchConsumer(this.pool);
    await consumers.add(dispatchStream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      filter_subject: dispatch(this.pool),
    });
    return this.session.jetstream.consumers.get(dispatchStream, name);
  }

  private async pull(consumer: Consumer, expiresMs: number, signal: AbortSignal): Promise<JsMsg | null> {
    const messages = await consumer.fetch({ max_messages: 1, expires: expiresMs });
    const end = (): void => void messages.close();
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    // A pull dies with the connection that asked for it.
    const unsubscribe = this.session.onStatus(({ kind }) => {
      if (kind !== 'error') end();
    });
    try {
      for await (const message of messages) return message;
      return null;
    } finally {
      signal.removeEventListener('abort', end);
      unsubscribe();
    }
  }
}

function toTicket(message: JsMsg): Ticket {
  return {
    operationId: operationIdOf(message),
    isForetold: false,
    ack: () => message.ack(),
    giveBack: () => message.nak(),
  };
}

function operationIdOf(message: Pick<JsMsg, 'json'>): string | null {
  try {
    const { operation_id } = message.json<{ operation_id?: unknown }>();
    return typeof operation_id === 'string' ? operation_id : null;
  } catch {
    return null; // whatever it says, it says that there is work
  }
}
