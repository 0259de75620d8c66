import { setTimeout as delay } from 'node:timers/promises';
import type { Failpoints } from '@ktrdr/failpoints';
import { MessagingUnavailableError } from '@ktrdr/messaging-nats';
import type { OutboxStore, TicketMessage } from '@ktrdr/operations-prisma';
import type { Messaging } from '../platform/messaging.js';

const RELAY_AFTER_MS = 250;
const BATCH = 200;
/** The rows are held meanwhile, and their transaction ends after 5 s, whether or not anybody still waits in it. */
const SEND_WITHIN_MS = 4_000;
/** Tickets a pool is given again at once: enough to wake this many workers. */
const AGAIN_PER_POOL = 16;

/** Sends the tickets that were not sent right after their commit, and those that were lost on the way. */
export class TicketRelay {
  constructor(
    private readonly outbox: Pick<OutboxStore, 'relay' | 'waiting'>,
    private readonly messaging: Pick<Messaging, 'isConnected' | 'publishTicket' | 'waitingTickets'>,
    private readonly failpoints: Failpoints,
    private readonly sendWithinMs = SEND_WITHIN_MS,
  ) {}

  /** @throws {MessagingUnavailableError} those that were not sent in time are sent again by the next turn */
  async relay(): Promise<void> {
    if (!this.messaging.isConnected) return;
    let sent: number;
    do {
      sent = await this.outbox.relay({ olderThanMs: RELAY_AFTER_MS, limit: BATCH }, (ticket) =>
        this.sendInTime(ticket),
      );
    } while (sent === BATCH);
  }

  /** A pool in which operations wait and no ticket lies gets new ones. A ticket too many is harmless. */
  async replaceLost(): Promise<void> {
    if (!this.messaging.isConnected) return;
    const waiting = await this.outbox.waiting(AGAIN_PER_POOL);
    for (const pool of new Set(waiting.map((ticket) => ticket.pool))) {
      if ((await this.messaging.waitingTickets(pool)) > 0) continue;
      const again = String(Date.now());
      const tickets = waiting.filter((ticket) => ticket.pool === pool);
      await Promise.all(tickets.map((ticket) => this.messaging.publishTicket({ ...ticket, again })));
    }
  }

  /** A send that never ends would otherwise be the last thing that this relay does. */
  private async sendInTime(ticket: TicketMessage): Promise<void> {
    const over = new AbortController();
    const late = delay(this.sendWithinMs, undefined, { signal: over.signal }).then(() => {
      throw new MessagingUnavailableError(`the ticket of ${ticket.operationId}`, `nothing in ${this.sendWithinMs} ms`);
    });
    await Promise.race([this.send(ticket), late]).finally(() => over.abort());
  }

  private async send(ticket: TicketMessage): Promise<void> {
    await this.failpoints.reach('relay.unsent', ticket.operationId);
    await this.messaging.publishTicket(ticket);
    await this.failpoints.reach('relay.sent', ticket.operationId);
  }
}
