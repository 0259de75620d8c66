import { pino } from 'pino';
import { LeaseSweeper } from './lease-sweeper.js';

const LIMITS = { leaseMs: 6_000, heartbeatMs: 2_000, cancellingMs: 1, pausingMs: 1 };
const TURN_MS = 250;

describe('the lease sweeper', () => {
  let now: number;
  let hasMessaging: boolean;
  let hasDatabase: boolean;
  let droppedAt: number;
  let sweeps: number;
  let sweepsOfAll: number;
  let failure: Error | undefined;
  let mayStillAfter: (ms: number) => boolean;
  let sweeper: LeaseSweeper;

  beforeEach(() => {
    now = 1_000;
    hasMessaging = true;
    hasDatabase = true;
    droppedAt = -Infinity;
    sweeps = 0;
    sweepsOfAll = 0;
    failure = undefined;
    sweeper = new LeaseSweeper(
      {
        execute: async (limits, mayStill = () => true) => {
          if (failure) throw failure;
          if (!hasDatabase) throw new Error('the database does not answer');
          sweeps += 1;
          if (limits) sweepsOfAll += 1;
          mayStillAfter = (ms) => {
            now += ms;
            const answer = mayStill();
            now -= ms;
            return answer;
          };
          return [];
        },
      },
      {
        isMessagingUp: async () => hasMessaging,
        isDatabaseUp: async () => hasDatabase,
        droppedAgoMs: () => now - droppedAt,
        monotonicMs: () => now,
      },
      LIMITS,
      pino({ level: 'silent' }),
    );
  });

  const turnsFor = async (ms: number) => {
    const before = sweeps;
    for (const end = now + ms; now < end; now += TURN_MS) await sweeper.turn();
    return sweeps - before;
  };

  it('frees nothing for one whole lease after a heartbeat was dropped unread', async () => {
    await turnsFor(LIMITS.leaseMs + 1_000);
    droppedAt = now;
    expect(await turnsFor(2 * LIMITS.leaseMs)).toBe(0); // one without a drop, and one of grace
    expect(await turnsFor(1_000)).toBeGreaterThan(0);
  });

  it('looks for pauses and cancels past their time once a second, for lost leases at each turn', async () => {
    await turnsFor(LIMITS.leaseMs);
    expect(await turnsFor(10_000)).toBe(40);
    expect(sweepsOfAll).toBe(10);
  });

  it('frees nothing before it has had the database and NATS for one whole lease', async () => {
    expect(await turnsFor(LIMITS.leaseMs)).toBe(0);
    expect(await turnsFor(TURN_MS)).toBe(1);
  });

  it.each([
    ['NATS', () => (hasMessaging = false)],
    ['the database', () => (hasDatabase = false)],
  ])('gives every lease a whole one of grace after it was cut off from %s', async (_what, takeAway) => {
    await turnsFor(2 * LIMITS.leaseMs);
    takeAway();
    expect(await turnsFor(2 * LIMITS.leaseMs)).toBe(0);
    hasMessaging = hasDatabase = true;
    expect(await turnsFor(LIMITS.leaseMs)).toBe(0);
    expect(await turnsFor(3 * TURN_MS)).toBeGreaterThan(0);
  });

  it('goes on after a sweep that failed although the database answers', async () => {
    await turnsFor(2 * LIMITS.leaseMs);
    failure = new Error('a fault');
    await expect(sweeper.turn()).rejects.toThrow('a fault');
    failure = undefined;
    expect(await turnsFor(TURN_MS)).toBe(1);
  });

  it('takes a silence of its own, however short of an outage, for no sign of death', async () => {
    await turnsFor(2 * LIMITS.leaseMs);
    now += LIMITS.leaseMs - LIMITS.heartbeatMs;
    expect(await turnsFor(LIMITS.leaseMs)).toBe(0);
    expect(await turnsFor(2 * TURN_MS)).toBeGreaterThan(0);
  });

  it('goes on freeing through a pause that cost no worker its lease', async () => {
    await turnsFor(2 * LIMITS.leaseMs);
    now += 1_000;
    expect(await turnsFor(TURN_MS)).toBe(1);
  });

  it('lets a sweep go on only while its answers are fresh', async () => {
    await turnsFor(LIMITS.leaseMs + TURN_MS);
    expect(mayStillAfter(1_000)).toBe(true);
    expect(mayStillAfter(4_000)).toBe(false);
  });
});
