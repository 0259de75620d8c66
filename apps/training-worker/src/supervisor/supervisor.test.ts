import { pino } from 'pino';
import { Supervisor, type TicketSource } from './supervisor.js';
import { OPERATION, RunFixture } from './testing/run-fixture.js';

let given: RunFixture;
let supervisor: Supervisor;
/** Ids of the operations that wait, one claim each. */
let waiting: number[];

/** Never has a ticket: what is claimed is what the supervisor looks for by itself. */
const noTickets: TicketSource = {
  next: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
};

beforeEach(async () => {
  given = await RunFixture.open();
  waiting = [2];
  given.api.answers.claim = () => {
    const attempt = waiting.shift();
    return { operation: attempt === undefined ? null : given.claimed({ attempt }) };
  };
  const settings = { slots: 1, pool: 'default', capabilities: ['type:training'] };
  supervisor = new Supervisor(settings, given.ports(), noTickets, pino({ level: 'silent' }));
});
afterEach(async () => {
  await supervisor.shutDown(0);
  await given.close();
});

describe('a drained worker', () => {
  it('saves, commits and hands over what it runs for this reason, and takes nothing new', async () => {
    void supervisor.run();
    supervisor.registered();
    const trainer = await given.training();
    supervisor.drain(true);
    expect((await given.stopAsked(trainer)).save?.kind).toBe('shutdown');
    await given.obeysStop(trainer, 60);
    await given.seen(() => supervisor.leases().length === 0, 'the lease is given up');
    expect(given.api.requests('released')).toMatchObject([
      { operation_id: OPERATION, step: 60, checkpoint_id: expect.any(String), reason: 'drain' },
    ]);
    waiting.push(3);
    supervisor.registered();
    expect(supervisor.freeSlots()).toBe(0);
    await given.quiet();
    expect(given.api.requests('claim')).toHaveLength(1);
  });

  it('takes work again when it is no longer to drain', async () => {
    void supervisor.run();
    supervisor.drain(true);
    supervisor.registered();
    await given.quiet();
    expect(given.api.requests('claim')).toEqual([]);
    supervisor.drain(false);
    expect(supervisor.freeSlots()).toBe(1);
    expect((await given.training()).controlsOf('start')[0]).toMatchObject({ attempt: 2 });
  });

  it('that is asked for a second time, or shut down meanwhile, hands over once', async () => {
    void supervisor.run();
    supervisor.registered();
    const trainer = await given.training();
    supervisor.drain(true);
    supervisor.drain(true);
    const down = supervisor.shutDown(10_000);
    await given.obeysStop(trainer, 60);
    await down;
    expect(trainer.controlsOf('stop')).toHaveLength(1);
    expect(given.api.requests('released')).toMatchObject([{ reason: 'drain' }]);
  });
});
