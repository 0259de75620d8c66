import type { Failpoints } from '@ktrdr/failpoints';
import type { Dispatcher, Operation } from '@ktrdr/operations';
import { isWaiting } from '@ktrdr/operations';
import { NatsOperationDispatcher, NatsSession } from '@ktrdr/messaging-nats';
import type { Logger } from 'pino';
import type { ApiConfig } from '../config.js';
import type { ForetoldWork } from './foretold-work.js';

interface Sessions {
  readonly session: NatsSession;
  /** What workers tell comes on a connection of its own, so that nothing else waits behind it. */
  readonly events: NatsSession;
}

type OnConnected = (sessions: Sessions) => void;

/**
 * The API's connection to NATS. It starts without it and goes on when it comes; until then tickets stay in the outbox.
 */
export class Messaging implements Dispatcher {
  private readonly stopped = new AbortController();
  private readonly waiting = new Set<OnConnected>();
  private sessions: Sessions | undefined;
  private tickets: NatsOperationDispatcher | undefined;
  private connecting: Promise<void> | undefined;

  constructor(
    private readonly config: ApiConfig['nats'],
    private readonly log: Logger,
    private readonly failpoints: Failpoints,
    private readonly foretold: ForetoldWork,
  ) {}

  connect(): void {
    this.connecting ??= this.establish();
  }

  /** Calls back once, as soon as there is a connection. */
  whenConnected(callback: OnConnected): void {
    if (this.sessions) callback(this.sessions);
    else this.waiting.add(callback);
  }

  get isConnected(): boolean {
    return this.sessions?.session.isConnected ?? false;
  }

  /** Whether NATS answers now; asks it. */
  async answers(withinMs: number): Promise<boolean> {
    return (await this.sessions?.session.answers(withinMs)) ?? false;
  }

  /** @throws {MessagingUnavailableError} */
  async publishTicket(ticket: Parameters<NatsOperationDispatcher['publishTicket']>[0]): Promise<void> {
    if (!this.tickets) throw new Error('NATS is not connected yet');
    await this.tickets.publishTicket(ticket);
  }

  async waitingTickets(pool: string): Promise<number> {
    if (!this.tickets) throw new Error('NATS is not connected yet');
    return this.tickets.waitingTickets(pool);
  }

  /** Nobody waits for the stream's word that it has the ticket: the relay publishes it again, and waits. */
  announce(operation: Operation): void {
    if (!isWaiting(operation.status) || !this.isConnected) return;
    const { id: operationId, pool, attempt, version } = operation;
    this.failpoints
      .reach('ticket.unsent', operationId)
      .then(() => this.tickets?.announceTicket({ operationId, pool, attempt, version }))
      .catch((error: unknown) => this.log.warn({ operationId, err: error }, 'ticket not sent; the relay sends it'));
  }

  foretell({ id: operationId, pool }: Operation): () => void {
    const decided = this.foretold.begin(pool);
    this.tickets?.foretell({ pool, operationId });
    return decided;
  }

  hint(workerId: string, operationId: string): void {
    this.tickets?.hint(workerId, operationId);
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.connecting;
    await Promise.all([this.sessions?.session.close(), this.sessions?.events.close()]);
  }

  private async establish(): Promise<void> {
    try {
      const session = await this.open('ktrdr-api');
      const events = await this.open('ktrdr-api, events');
      this.tickets = new NatsOperationDispatcher(session);
      await this.ensureStreams(session);
      this.sessions = { session, events };
      session.onStatus(({ kind }) => {
        this.log.info({ nats: kind }, 'nats connection changed');
        if (kind === 'reconnected') void this.ensureStreams(session);
      });
      this.log.info('nats connected');
      for (const callback of this.waiting) callback(this.sessions);
      this.waiting.clear();
    } catch (error) {
      if (!this.stopped.signal.aborted) throw error;
    }
  }

  private open(name: string): Promise<NatsSession> {
    return NatsSession.connect(
      { ...this.config, name },
      {
        signal: this.stopped.signal,
        onWaiting: (message) => this.log.warn({ waiting: message }, 'waiting for nats'),
      },
    );
  }

  /** A server that lost its disk comes back without streams. */
  private async ensureStreams(session: NatsSession): Promise<void> {
    for (;;) {
      try {
        await this.tickets?.ensureStreams();
        return;
      } catch (error) {
        if (this.stopped.signal.aborted || session.connection.isClosed()) return;
        this.log.warn({ err: error }, 'streams not ready');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }
}
