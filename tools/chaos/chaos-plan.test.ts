import { planActions, planFaults } from './chaos-plan.js';

const SIZE = { durationMs: 120_000, leaseMs: 2_000, workers: 3, apis: 2, links: 7, operations: 20 };

describe('the plan of a chaos run', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(planFaults('a', SIZE)).toEqual(planFaults('a', SIZE));
    expect(planActions('a', SIZE)).toEqual(planActions('a', SIZE));
    expect(planFaults('b', SIZE)).not.toEqual(planFaults('a', SIZE));
  });

  it('has every kind of fault once before any of them comes again', () => {
    const kinds = planFaults('a', SIZE)
      .slice(0, 15)
      .map(({ what: { kind } }) => kind);
    expect(kinds.toSorted()).toEqual([
      'api-freeze',
      'api-kill',
      'hints-lost',
      'link-cut',
      'link-delay',
      'link-drop',
      'link-reset',
      'nats-freeze',
      'nats-kill',
      'postgres-crash',
      'postgres-freeze',
      'trainer-kill',
      'worker-freeze',
      'worker-kill',
      'worker-stop',
    ]);
  });

  it('lies in its time, in order, and hits only what there is', () => {
    const faults = planFaults('a', SIZE);
    const times = faults.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.every((atMs) => atMs >= 0 && atMs < SIZE.durationMs)).toBe(true);
    for (const { what } of faults) {
      const of = { worker: SIZE.workers, trainer: SIZE.workers, api: SIZE.apis, link: SIZE.links };
      const [part = ''] = what.kind.split('-');
      if ('target' in what) expect(what.target).toBeLessThan(of[part as keyof typeof of]);
    }
    expect(planActions('a', SIZE).every(({ what }) => what.operation < SIZE.operations && what.api < SIZE.apis)).toBe(
      true,
    );
  });
});
