import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { headers, nanos } from '@nats-io/transport-node';
import type { ControlHint } from '@ktrdr/contracts';
import { MessagingUnavailableError, reasonOf } from './errors.js';
import type { NatsSession } from './nats-session.js';

export interface DispatchTicket {
  readonly pool: string;
  readonly operationId: string;
  readonly attempt: number;
  readonly version: number;
  /** Makes a repeated ticket different from the first: JetStream drops one whose id it has just seen. */
  readonly again?: string;
}

const MESSAGE_ID = 'Nats-Msg-Id';
const STREAM_EXISTS_DIFFERENTLY = 10058;
const EVENT_MAX_AGE_MS = 24 * 60 * 60 * 1000;
const EVENT_MAX_BYTES = 256 * 1024 * 1024;
const TICKET_MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Tells workers that there is work. Messages are hints; the operation's row is the truth. */
export class NatsOperationDispatcher {
  constructor(private readonly session: NatsSession) {}

  /**
   * Makes the two streams, or brings their limits up to date. Can be repeated, by any number of processes.
   * @throws {MessagingUnavailableError}
   */
  async ensureStreams(): Promise<void> {
    const { dispatchStream, eventStream, allDispatch, allEvents } = this.session.subjects;
    await this.ensure({
      name: dispatchStream,
      subjects: [allDispatch],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      max_age: nanos(TICKET_MAX_AGE_MS),
    });
    await this.ensure({
      name: eventStream,
      subjects: [allEvents],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: nanos(EVENT_MAX_AGE_MS),
      max_bytes: EVENT_MAX_BYTES,
    });
  }

  /** @throws {MessagingUnavailableError} */
  async publishTicket(ticket: DispatchTicket): Promise<void> {
    const subject = this.session.subjects.dispatch(ticket.pool);
    await this.confirmed(`the ticket of ${ticket.operationId}`, async () => {
      await this.session.jetstream.publish(subject, ticketBody(ticket.operationId), { msgID: ticketId(ticket) });
    });
  }

  /** The same without asking whether it was stored: for whoever publishes it again in any case. */
  announceTicket(ticket: DispatchTicket): void {
    if (!this.session.isConnected) return;
    const named = headers();
    named.set(MESSAGE_ID, ticketId(ticket));
    const subject = this.session.subjects.dispatch(ticket.pool);
    this.session.connection.publish(subject, ticketBody(ticket.operationId), { headers: named });
  }

  /** Wakes one idle worker of the pool before there is a ticket. Lost or in vain, it costs a claim at most. */
  foretell({ pool, operationId }: Pick<DispatchTicket, 'pool' | 'operationId'>): void {
    if (!this.session.isConnected) return;
    this.session.connection.publish(this.session.subjects.foretold(pool), ticketBody(operationId));
  }

  /** Tickets of the pool that no worker has taken; what an autoscaler scales on. */
  async waitingTickets(pool: string): Promise<number> {
    const { dispatchStream, dispatch } = this.session.subjects;
    const subject = dispatch(pool);
    return this.confirmed('the number of waiting tickets', async () => {
      const manager = await this.session.manager();
      const { state } = await manager.streams.info(dispatchStream, { subjects_filter: subject });
      return state.subjects?.[subject] ?? 0;
    });
  }

  /** Asks a worker to send its heartbeat now. A lost hint costs one heartbeat interval. */
  hint(workerId: string, operationId: string): void {
    if (!this.session.isConnected) return;
    const hint: ControlHint = { operation_id: operationId };
    this.session.connection.publish(this.session.subjects.control(workerId), JSON.stringify(hint));
  }

  private async ensure(config: Partial<StreamConfig> & Pick<StreamConfig, 'name'>): Promise<void> {
    await this.confirmed(`the stream ${config.name}`, async () => {
      const { streams } = await this.session.manager();
      try {
        await streams.add(config);
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== STREAM_EXISTS_DIFFERENTLY) throw error;
        await streams.update(config.name, config);
      }
    });
  }

  private async confirmed<T>(what: string, action: () => Promise<T>): Promise<T> {
    if (!this.session.isConnected) throw new MessagingUnavailableError(what, 'not connected');
    try {
      return await this.session.unlessDisconnected(action());
    } catch (error) {
      throw new MessagingUnavailableError(what, reasonOf(error), { cause: error });
    }
  }
}

/** JetStream drops a message whose id it has just seen. */
function ticketId({ operationId, attempt, version, again }: DispatchTicket): string {
  return [operationId, attempt, version, ...(again ? [again] : [])].join(':');
}

function ticketBody(operationId: string): string {
  return JSON.stringify({ operation_id: operationId });
}
