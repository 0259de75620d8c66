import type { Failpoints } from '@ktrdr/failpoints';
import type { OutboxStore } from '@ktrdr/operations-prisma';
import type { Messaging } from '../platform/messaging.js';

const RELAY_AFTER_MS = 250;
const BATCH = 200;
/** Tickets a pool is given again at once: enough to wake this many workers. */
const AGAIN_PER_POOL = 16;

/** Sends the tickets that were not sent right after their commit, and those that were lost on the way. */
export class TicketRelay {
  constructor(
    private readonly outbox: OutboxStore,
    private readonly messaging: Messaging,
    private readonly failpoints: Failpoints,
  ) {}

  async relay(): Promise<void> {
    if (!this.messaging.isConnected) return;
    let sent: number;
    do {
      sent = await this.outbox.relay({ olderThanMs: RELAY_AFTER_MS, limit: BATCH }, async (ticket) => {
        await this.failpoints.reach('relay.unsent', ticket.operationId);
        await this.messaging.publishTicket(ticket);
        await this.failpoints.reach('relay.sent', ticket.operationId);
      });
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
}
