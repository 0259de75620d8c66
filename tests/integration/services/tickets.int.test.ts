import { TicketConsumer } from '@ktrdr/messaging-nats';
import { givenMessaging } from '../support/given-messaging.js';
import { until } from '../support/nats-process.js';

const { session: givenSession, dispatcher: givenDispatcher } = givenMessaging();
const signal = (): AbortSignal => new AbortController().signal;
const ticket = { pool: 'default', operationId: 'op_a', attempt: 0, version: 1 };

describe('tickets', () => {
  it('reach exactly one worker of the pool, and are gone once acknowledged', async () => {
    const dispatcher = await givenDispatcher();
    const first = new TicketConsumer(await givenSession(), 'default');
    const second = new TicketConsumer(await givenSession(), 'default');
    const other = new TicketConsumer(await givenSession(), 'gpu');
    await dispatcher.publishTicket(ticket);
    expect(await dispatcher.waitingTickets('default')).toBe(1);
    const taken = await Promise.all(
      [first, second, other].map((consumer) => consumer.next({ expiresMs: 1_000, signal: signal() })),
    );
    const tickets = taken.filter((one) => one !== null);
    expect(tickets.map(({ operationId }) => operationId)).toEqual(['op_a']);
    tickets[0]?.ack();
    await until(async () => (await dispatcher.waitingTickets('default')) === 0, 'the ticket is gone');
  });

  it('are one when published twice, and two when asked for again', async () => {
    const dispatcher = await givenDispatcher();
    await dispatcher.publishTicket(ticket);
    await dispatcher.publishTicket(ticket);
    expect(await dispatcher.waitingTickets('default')).toBe(1);
    await dispatcher.publishTicket({ ...ticket, again: '2' });
    expect(await dispatcher.waitingTickets('default')).toBe(2);
  });

  it('come to somebody else at once when given back', async () => {
    const dispatcher = await givenDispatcher();
    const consumer = new TicketConsumer(await givenSession(), 'default');
    await dispatcher.publishTicket(ticket);
    (await consumer.next({ expiresMs: 2_000, signal: signal() }))?.giveBack();
    expect(await consumer.next({ expiresMs: 2_000, signal: signal() })).not.toBeNull();
  });

  it('are heard by who waits while they are published, and the stored one is settled with what was heard', async () => {
    const dispatcher = await givenDispatcher();
    const consumer = new TicketConsumer(await givenSession(), 'default');
    await consumer.next({ expiresMs: 1_000, signal: signal() }); // connected, and its consumer made
    const heard = consumer.next({ expiresMs: 5_000, signal: signal() });
    await until(async () => {
      await dispatcher.publishTicket(ticket);
      return (await Promise.race([heard, Promise.resolve('waiting')])) !== 'waiting';
    }, 'the ticket is heard');
    (await heard)?.giveBack();
    const again = await consumer.next({ expiresMs: 5_000, signal: signal() });
    expect(again?.operationId).toBe('op_a');
    again?.ack();
    await until(async () => (await dispatcher.waitingTickets('default')) === 0, 'the stored one is gone');
  });

  it('are heard when they are foretold, and left to whoever is next when a claim found nothing yet', async () => {
    const dispatcher = await givenDispatcher();
    const consumer = new TicketConsumer(await givenSession(), 'default');
    const another = new TicketConsumer(await givenSession(), 'default');
    await consumer.next({ expiresMs: 1_000, signal: signal() }); // connected, and its consumer made
    const heard = consumer.next({ expiresMs: 5_000, signal: signal() });
    await until(async () => {
      dispatcher.foretell(ticket);
      return (await Promise.race([heard, Promise.resolve('waiting')])) !== 'waiting';
    }, 'it is foretold');
    const foretold = await heard;
    expect(foretold).toMatchObject({ operationId: 'op_a', isForetold: true });
    foretold?.giveBack();
    await dispatcher.publishTicket(ticket);
    const taken = await Promise.race(
      [consumer, another].map((each) => each.next({ expiresMs: 5_000, signal: signal() })),
    );
    expect(taken).toMatchObject({ operationId: 'op_a', isForetold: false });
    taken?.ack();
    await until(async () => (await dispatcher.waitingTickets('default')) === 0, 'the ticket is gone');
  });

  it('are settled when they come, after a claim that was sent because they were foretold', async () => {
    const dispatcher = await givenDispatcher();
    const consumer = new TicketConsumer(await givenSession(), 'default');
    await consumer.next({ expiresMs: 1_000, signal: signal() });
    const heard = consumer.next({ expiresMs: 5_000, signal: signal() });
    await until(async () => {
      dispatcher.foretell(ticket);
      return (await Promise.race([heard, Promise.resolve('waiting')])) !== 'waiting';
    }, 'it is foretold');
    (await heard)?.ack();
    await dispatcher.publishTicket(ticket);
    await until(async () => (await dispatcher.waitingTickets('default')) === 0, 'the ticket is gone');
  });

  it('are waited for before the stream exists, and after it was deleted', async () => {
    const troubles: string[] = [];
    const consumer = new TicketConsumer(await givenSession(), 'default', (reason) => troubles.push(reason));
    expect(await consumer.next({ expiresMs: 1_000, signal: signal() })).toBeNull();
    expect(troubles[0]).toMatch(/stream not found/);

    const dispatcher = await givenDispatcher();
    await dispatcher.publishTicket(ticket);
    (await consumer.next({ expiresMs: 2_000, signal: signal() }))?.ack();

    const session = await givenSession();
    await (await session.manager()).streams.delete(session.subjects.dispatchStream);
    await dispatcher.ensureStreams();
    await dispatcher.publishTicket(ticket);
    let found = null;
    await until(async () => {
      found = await consumer.next({ expiresMs: 1_000, signal: signal() });
      return found !== null;
    }, 'a ticket of the new stream');
    expect(found).not.toBeNull();
  });

  it('are no longer waited for when the signal aborts', async () => {
    await givenDispatcher();
    const consumer = new TicketConsumer(await givenSession(), 'default');
    const stop = new AbortController();
    const next = consumer.next({ expiresMs: 60_000, signal: stop.signal });
    stop.abort();
    expect(await next).toBeNull();
  });
});
