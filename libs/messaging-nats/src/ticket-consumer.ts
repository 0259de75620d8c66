import { AckPolicy, type Consumer, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { reasonOf } from './errors.js';
import type { NatsSession } from './nats-session.js';
import { pauseFor } from './timing.js';

/** "This pool has work." Which operation it is, the claim decides. */
export interface Ticket {
  /** The operation it was written for, for the log; null when it cannot be read. */
  readonly operationId: string | null;
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

/**
 * Pulls tickets of one pool, one at a time: a prefetched one would lie here while another worker stands idle.
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
      const message = await this.pull(this.consumer, expiresMs, signal);
      if (!message) return null;
      if (!signal.aborted) return toTicket(message);
      message.nak();
      return null;
    } catch (error) {
      this.consumer = undefined;
      if (signal.aborted) return null;
      this.onTrouble(reasonOf(error));
      await pauseFor(Math.min(RETRY_AFTER_MS, expiresMs), signal);
      return null;
    }
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
  return { operationId: operationIdOf(message), ack: () => message.ack(), giveBack: () => message.nak() };
}

function operationIdOf(message: JsMsg): string | null {
  try {
    const { operation_id } = message.json<{ operation_id?: unknown }>();
    return typeof operation_id === 'string' ? operation_id : null;
  } catch {
    return null; // whatever it says, it says that there is work
  }
}
