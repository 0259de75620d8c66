import { SentTickets } from './sent-tickets.js';

const ticket = (version: number) => ({ operationId: 'op_a', pool: 'default', attempt: 1, version });

describe('tickets that were sent', () => {
  it('are known once, and no others', () => {
    const sent = new SentTickets();
    sent.add(ticket(1));
    expect(sent.take(ticket(2))).toBe(false);
    expect(sent.take(ticket(1))).toBe(true);
    expect(sent.take(ticket(1))).toBe(false);
  });

  it('are forgotten when nobody asks, the oldest first', () => {
    const sent = new SentTickets();
    for (let version = 1; version <= 10_001; version += 1) sent.add(ticket(version));
    expect(sent.take(ticket(1))).toBe(false);
    expect(sent.take(ticket(2))).toBe(true);
  });
});
