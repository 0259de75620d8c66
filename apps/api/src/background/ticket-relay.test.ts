import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import type { TicketMessage } from '@ktrdr/operations-prisma';
import { TicketRelay } from './ticket-relay.js';

const TICKET = { operationId: 'op_a', pool: 'default', attempt: 0, version: 1 };

/** Removes what was sent, as the real one does. */
class InMemoryOutbox {
  tickets: readonly TicketMessage[] = [TICKET];

  async relay(_which: unknown, send: (ticket: TicketMessage) => Promise<void>): Promise<number> {
    const { tickets } = this;
    await Promise.all(tickets.map(send));
    this.tickets = [];
    return tickets.length;
  }

  async waiting(): Promise<readonly TicketMessage[]> {
    return [];
  }
}

describe('the ticket relay', () => {
  const outbox = new InMemoryOutbox();
  const answers: Promise<void>[] = [];
  const messaging = {
    isConnected: true,
    publishTicket: () => answers.shift() ?? Promise.resolve(),
    waitingTickets: async () => 0,
  };
  const relay = new TicketRelay(outbox, messaging, NO_FAILPOINTS, 20);

  it('gives up what is never answered, and sends it again by its next turn', async () => {
    answers.push(new Promise(() => undefined));
    await expect(relay.relay()).rejects.toMatchObject({ code: 'messaging-unavailable' });
    expect(outbox.tickets).toEqual([TICKET]);
    await relay.relay();
    expect(outbox.tickets).toEqual([]);
  });
});
