import type { Logger } from 'pino';
import { WorkerHealth } from './worker-health.js';

function given({
  turnedMs = 0 as number | null,
  registered = true,
  connected = true,
  store = [null] as (Error | null)[],
} = {}) {
  const clock = { now: 0 };
  let checks = 0;
  const logged: string[] = [];
  const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const health = new WorkerHealth(
    {
      slots: 1,
      leases: { isKnown: registered, sinceLastTurnMs: () => turnedMs },
      session: { isConnected: connected },
      checkObjectStore: () => {
        const answer = store[Math.min(checks, store.length - 1)];
        checks += 1;
        return answer ? Promise.reject(answer) : Promise.resolve();
      },
    },
    { info: log, warn: log } as Pick<Logger, 'info' | 'warn'>,
    () => clock.now,
  );
  return { health, clock, logged, checks: () => checks };
}

it('lives before its loop begins and while that turns, and no longer once it is stuck', () => {
  expect(given({ turnedMs: null }).health.isLive()).toBe(true);
  expect(given({ turnedMs: 36_000 }).health.isLive()).toBe(true);
  expect(given({ turnedMs: 60_000 }).health.isLive()).toBe(false);
});

it('is ready when it is registered, connected and can write to the object store', async () => {
  expect(await given().health.readiness()).toEqual({
    isReady: true,
    parts: { registration: { status: 'up' }, nats: { status: 'up' }, object_store: { status: 'up' } },
  });
});

it('names each part that is down', async () => {
  const { health } = given({ registered: false, connected: false, store: [new Error('EACCES: /objects')] });
  expect(await health.readiness()).toEqual({
    isReady: false,
    parts: {
      registration: { status: 'down', reason: 'the API has not registered this worker' },
      nats: { status: 'down', reason: 'not connected' },
      object_store: { status: 'down', reason: 'EACCES: /objects' },
    },
  });
});

it('checks the object store once in five seconds, however often it is asked', async () => {
  const { health, clock, checks } = given({ store: [null, new Error('gone')] });
  await Promise.all([health.readiness(), health.readiness()]);
  clock.now = 5_000;
  expect((await health.readiness()).isReady).toBe(true);
  expect(checks()).toBe(1);
  clock.now = 5_001;
  expect((await health.readiness()).isReady).toBe(false);
  expect(checks()).toBe(2);
});

it('says in the log what is down, once, and when it is back', async () => {
  const { health, clock, logged } = given({
    store: [new Error('EACCES: /objects'), new Error('EACCES: /objects'), null],
  });
  for (let asked = 0; asked < 4; asked += 1) {
    await health.readiness();
    clock.now += 6_000;
  }
  expect(logged).toEqual([
    'not ready {"part":"object_store","reason":"EACCES: /objects"}',
    'ready again {"part":"object_store"}',
  ]);
});
