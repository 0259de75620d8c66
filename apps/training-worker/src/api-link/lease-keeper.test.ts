import type { Directive } from '@ktrdr/contracts';
import { pino } from 'pino';
import { LeaseKeeper } from './lease-keeper.js';
import { InMemoryApi } from '../testing/in-memory-ports.js';

const REGISTRATION = { worker_id: 'w1', pool: 'default', version: '1', host: 'h', pid: 1, slots: 1, capabilities: [] };
const LEASE = { operationId: 'op_a', attempt: 3 };

function given({ moved = [] as boolean[] } = {}) {
  const api = new InMemoryApi();
  const told: Directive[] = [];
  const heard: string[] = [];
  const clock = { now: 1_000_000 };
  const keeper = new LeaseKeeper(
    api,
    REGISTRATION,
    {
      leases: () => [LEASE],
      takeMoved: () => moved.shift() ?? false,
      freeSlots: () => 0,
      obey: (_lease, directive) => told.push(directive),
      drain: (draining) => heard.push(`draining ${draining}`),
      workWaits: () => heard.push('work waits'),
      registered: () => heard.push('registered'),
    },
    pino({ level: 'silent' }),
    () => clock.now,
  );
  return { api, told, heard, clock, keeper };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('The condition was not met in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('registers, then sends heartbeats, and at once when something changed', async () => {
  const { api, keeper } = given();
  const end = new AbortController();
  const running = keeper.run(end.signal);
  await until(() => api.requests('heartbeat').length === 1);
  keeper.beatNow();
  await until(() => api.requests('heartbeat').length === 2);
  end.abort();
  await running;
  expect(api.methods()[0]).toBe('register');
  expect(api.requests('heartbeat')[0]).toMatchObject({ leases: [{ operation_id: 'op_a', attempt: 3 }] });
});

it('tells with each heartbeat whether bytes of checkpoints have moved since the one before', async () => {
  const { api, keeper } = given({ moved: [false, true] });
  const end = new AbortController();
  const running = keeper.run(end.signal);
  for (const count of [1, 2, 3]) {
    await until(() => api.requests('heartbeat').length === count);
    keeper.beatNow();
  }
  end.abort();
  await running;
  const told = api.requests('heartbeat').map(({ leases }) => (leases as { moved: boolean }[])[0]?.moved);
  expect(told.slice(0, 3)).toEqual([false, true, false]);
});

it('tells it again until a heartbeat is answered', async () => {
  const { api, keeper } = given({ moved: [true, false] });
  const beats = (): number => api.requests('heartbeat').length;
  api.answers.heartbeat = () => {
    if (beats() < 3) throw new Error('nothing within 2000 ms');
    return { registered: true, draining: false, work_waits: false, directives: [] };
  };
  const end = new AbortController();
  const running = keeper.run(end.signal);
  for (const count of [1, 2, 3, 4]) {
    await until(() => beats() === count);
    keeper.beatNow();
  }
  end.abort();
  await running;
  const told = api.requests('heartbeat').map(({ leases }) => (leases as { moved: boolean }[])[0]?.moved);
  expect(told.slice(0, 4)).toEqual([true, true, true, false]);
});

it('registers again when the API does not know it any more', async () => {
  const { api, keeper } = given();
  api.answers.heartbeat = () => ({
    registered: api.requests('heartbeat').length > 1,
    draining: false,
    work_waits: false,
    directives: [],
  });
  const end = new AbortController();
  const running = keeper.run(end.signal);
  await until(() => api.requests('register').length === 2);
  end.abort();
  await running;
});

it('hears whether it must drain before it is told that it may take work', async () => {
  const { api, heard, keeper } = given();
  api.answers.heartbeat = () => ({
    registered: true,
    draining: api.requests('heartbeat').length === 1,
    work_waits: false,
    directives: [],
  });
  const end = new AbortController();
  const running = keeper.run(end.signal);
  await until(() => heard.length > 0);
  keeper.beatNow();
  await until(() => heard.length > 2);
  end.abort();
  await running;
  expect(heard).toEqual(['draining true', 'registered', 'draining false']);
});

it('asks before anything is told when the lease has not been confirmed for as long as it lasts', async () => {
  const { api, told, clock, keeper } = given();
  api.answers.heartbeat = () => ({
    registered: true,
    draining: false,
    work_waits: false,
    directives: [{ operation_id: 'op_a', attempt: 3, directive: { kind: 'lease-lost', reason: 'too late' } }],
  });
  await keeper.confirm();
  expect(told).toHaveLength(1);
  clock.now += 5_999;
  await keeper.confirm();
  expect(api.requests('heartbeat')).toHaveLength(1);
  clock.now += 1;
  await keeper.confirm();
  expect(api.requests('heartbeat')).toHaveLength(2);
  expect(told.at(-1)).toEqual({ kind: 'lease-lost', reason: 'too late' });
});

it('says that work waits when an answer does', async () => {
  const { api, heard, keeper } = given();
  const beats = (): number => api.requests('heartbeat').length;
  api.answers.heartbeat = () => ({ registered: true, draining: false, work_waits: beats() === 2, directives: [] });
  const end = new AbortController();
  const running = keeper.run(end.signal);
  for (const count of [1, 2, 3]) {
    await until(() => beats() === count);
    keeper.beatNow();
  }
  await until(() => heard.length >= 5);
  end.abort();
  await running;
  expect(heard.slice(0, 5)).toEqual(['draining false', 'registered', 'draining false', 'work waits', 'draining false']);
});
