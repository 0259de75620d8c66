import { pino } from 'pino';
import { RpcUnavailableError } from '@ktrdr/messaging-nats';
import { Supervisor, type WorkHints } from './supervisor.js';
import { OPERATION, RunFixture } from './testing/run-fixture.js';

let given: RunFixture;
let supervisor: Supervisor;
/** Ids of the operations that wait, one claim each. */
let waiting: number[];

/** Those who listen for hints. */
let listening: (() => void)[];
const hints: WorkHints = {
  listen(heard) {
    listening.push(heard);
    return () => {
      listening = listening.filter((other) => other !== heard);
    };
  },
};

beforeEach(async () => {
  given = await RunFixture.open();
  waiting = [2];
  listening = [];
  given.api.answers.claim = () => {
    const attempt = waiting.shift();
    return { operation: attempt === undefined ? null : given.claimed({ attempt }) };
  };
  const settings = { slots: 1, pool: 'default', capabilities: ['type:training'] };
  supervisor = new Supervisor(settings, given.ports(), hints, pino({ level: 'silent' }));
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

describe('a worker with a free slot', () => {
  it('listens for hints, claims when it hears one, and does not listen while its slots are taken', async () => {
    waiting = [];
    void supervisor.run();
    await given.quiet();
    expect(listening).toHaveLength(0); // it may have to drain
    supervisor.registered();
    await given.seen(() => given.api.requests('claim').length === 1 && listening.length === 1, 'it claims and listens');
    waiting.push(2);
    listening[0]?.();
    const trainer = await given.training();
    await given.seen(() => listening.length === 0, 'it does not listen any more');
    supervisor.obey({ operationId: OPERATION, attempt: 2 }, { kind: 'cancel', save: false });
    await given.obeysStop(trainer, 60);
    await given.seen(() => listening.length === 1, 'it listens again');
  });

  it('claims when a heartbeat says that work waits, though every hint was lost', async () => {
    waiting = [];
    void supervisor.run();
    supervisor.registered();
    await given.seen(() => given.api.requests('claim').length === 1, 'the first claim');
    waiting.push(2);
    await given.quiet();
    expect(given.api.requests('claim')).toHaveLength(1);
    supervisor.workWaits();
    await given.training();
  });

  it('repeats an unanswered claim with its id, at once when it hears that work waits', async () => {
    let unanswered = 1;
    const answer = given.api.answers.claim;
    given.api.answers.claim = (request) => {
      unanswered -= 1;
      if (unanswered >= 0) throw new RpcUnavailableError('claim', 'no API replica is listening');
      return answer?.(request);
    };
    void supervisor.run();
    supervisor.registered();
    await given.seen(() => given.api.requests('claim').length === 1, 'the first claim');
    await given.quiet();
    expect(given.api.requests('claim')).toHaveLength(1); // it waits before it asks again
    supervisor.workWaits();
    await given.training();
    const ids = given.api.requests('claim').map(({ claim_id }) => claim_id);
    expect(ids[1]).toBe(ids[0]);
  });
});
