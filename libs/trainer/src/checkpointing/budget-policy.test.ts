import { BudgetPolicy } from './budget-policy.js';
import type { CheckpointingEvent } from './save-policy.js';

interface World {
  readonly overheadBudget: number;
  readonly maxLossSeconds: number;
  readonly stepMs: number;
  /** Training stands still for so long. */
  readonly stallMs: number;
  /** A step beside a save takes so much longer. */
  readonly slowerMs?: number;
  /** From the copy to the commit, by the number of the save. */
  readonly commitMs: (save: number) => number;
  readonly seconds: number;
}

/** Trains on a clock of its own and saves when the policy says so, with an account kept beside it. */
function simulate(world: World) {
  const clock = { ms: 0 };
  const policy = new BudgetPolicy(world, () => clock.ms);
  let flight: { readonly capturedAt: number; readonly until: number; readonly id: string } | null = null;
  let protectedUntil = 0;
  let costMs = 0;
  let longestMs = 0;
  const captures: number[] = [];
  const told: CheckpointingEvent[] = [];
  while (clock.ms < world.seconds * 1000) {
    if (flight && clock.ms >= flight.until) {
      longestMs = Math.max(longestMs, clock.ms - protectedUntil);
      protectedUntil = flight.capturedAt;
      const report = policy.settled(flight.id);
      if (report) told.push(report);
      flight = null;
    }
    if (policy.due && !flight) {
      clock.ms += world.stallMs;
      costMs += world.stallMs;
      captures.push(clock.ms);
      const id = `save-${captures.length}`;
      policy.saved(id, world.stallMs);
      flight = { capturedAt: clock.ms, until: clock.ms + world.commitMs(captures.length), id };
    }
    const slower = flight ? (world.slowerMs ?? 0) : 0;
    clock.ms += world.stepMs + slower;
    costMs += slower;
    policy.stepped(32);
  }
  longestMs = Math.max(longestMs, clock.ms - protectedUntil);
  return { told, captures, overhead: costMs / clock.ms, longestSeconds: longestMs / 1000, last: told.at(-1)! };
}

const QUICK = { stepMs: 10, stallMs: 5, commitMs: () => 100, seconds: 600 };

describe('saving by a budget', () => {
  it.each<readonly [string, World, CheckpointingEvent['decided_by']]>([
    ['a cheap save', { ...QUICK, overheadBudget: 0.02, maxLossSeconds: 60 }, 'most-often'],
    ['a dear save', { ...QUICK, overheadBudget: 0.02, maxLossSeconds: 60, stallMs: 300 }, 'budget'],
    [
      'a save that slows training',
      { ...QUICK, overheadBudget: 0.02, maxLossSeconds: 60, slowerMs: 4, commitMs: () => 1_000 },
      'budget',
    ],
    ['long steps', { ...QUICK, overheadBudget: 0.05, maxLossSeconds: 30, stepMs: 900, stallMs: 400 }, 'budget'],
    ['a slow store', { ...QUICK, overheadBudget: 0.02, maxLossSeconds: 30, commitMs: () => 8_000 }, 'most-often'],
  ])('keeps both promises with %s', (_name, world, decidedBy) => {
    const { overhead, longestSeconds, last, told } = simulate(world);
    expect(told.length).toBeGreaterThan(5);
    expect(overhead).toBeLessThanOrEqual(world.overheadBudget);
    expect(longestSeconds).toBeLessThanOrEqual(world.maxLossSeconds);
    expect(last.decided_by).toBe(decidedBy);
  });

  it('tells what its saves have cost as it was', () => {
    const world = {
      ...QUICK,
      overheadBudget: 0.05,
      maxLossSeconds: 20,
      stallMs: 150,
      slowerMs: 3,
      commitMs: () => 500,
    };
    const { overhead, last } = simulate(world);
    expect(last.cost_seconds / last.trained_seconds).toBeCloseTo(overhead, 2);
    expect(last.stall_ms).toBeCloseTo(150, 0);
    expect(last.commit_seconds).toBeCloseTo(0.5, 1);
    expect(Math.abs(last.background_ms - 3 * Math.ceil(500 / 13))).toBeLessThan(10);
  });

  it('breaks the budget rather than the bound for what may be lost, and says so', () => {
    const { overhead, longestSeconds, last } = simulate({
      ...QUICK,
      overheadBudget: 0.01,
      maxLossSeconds: 10,
      stallMs: 1_000,
    });
    expect(longestSeconds).toBeLessThanOrEqual(10);
    expect(overhead).toBeGreaterThan(0.01);
    expect(last.decided_by).toBe('max-loss');
  });

  it('saves early in the first attempt and in every other, so that the bound holds from the start', () => {
    const { captures } = simulate({ ...QUICK, overheadBudget: 0.01, maxLossSeconds: 50, stallMs: 5_000, seconds: 40 });
    expect(captures[0]).toBeLessThanOrEqual(50_000 / 10 + 5_000 + 10);
  });

  it('follows a save that becomes dearer, and one that becomes cheap again', () => {
    const clock = { ms: 0 };
    const policy = new BudgetPolicy({ overheadBudget: 0.02, maxLossSeconds: 600 }, () => clock.ms);
    const saveThatCosts = (stallMs: number) => {
      while (!policy.due) {
        clock.ms += 100;
        policy.stepped(1);
      }
      clock.ms += stallMs;
      policy.saved('a', stallMs);
      return policy.settled('a')!.interval_seconds;
    };
    saveThatCosts(10);
    const cheap = saveThatCosts(10);
    for (let n = 0; n < 20; n += 1) saveThatCosts(4_000);
    const dear = saveThatCosts(4_000);
    for (let n = 0; n < 30; n += 1) saveThatCosts(10);
    expect(cheap).toBe(60);
    expect(dear).toBeGreaterThan(195);
    expect(saveThatCosts(10)).toBeLessThan(dear / 2);
  });

  it('comes earlier when commits take longer', () => {
    const at = (commitMs: number) => {
      const { captures } = simulate({
        ...QUICK,
        overheadBudget: 0.01,
        maxLossSeconds: 10,
        stallMs: 1_000,
        commitMs: () => commitMs,
      });
      return captures.at(-1)! - captures.at(-2)!;
    };
    expect(at(2_000)).toBeLessThan(at(100) - 3_000);
  });

  it('does not take a save that could not be written for protection', () => {
    const clock = { ms: 0 };
    const policy = new BudgetPolicy({ overheadBudget: 0.5, maxLossSeconds: 10 }, () => clock.ms);
    clock.ms = 1_000;
    expect(policy.due).toBe(true);
    policy.saved('a', 0);
    expect(policy.due).toBe(false);
    policy.failed('a');
    expect(policy.due).toBe(true);
    expect(policy.settled('a')).toBeNull();
  });

  it('waits for the end of a validation only while the bound allows it', () => {
    const clock = { ms: 0 };
    const policy = new BudgetPolicy({ overheadBudget: 0.5, maxLossSeconds: 10 }, () => clock.ms);
    clock.ms = 1_000;
    expect([policy.due, policy.isUrgent]).toEqual([true, false]);
    clock.ms = 9_500;
    expect([policy.due, policy.isUrgent]).toEqual([true, true]);
  });
});
