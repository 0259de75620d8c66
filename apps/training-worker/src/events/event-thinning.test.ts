import type { WorkerEvent } from '@ktrdr/contracts';
import { fairShare, Thinning } from './event-thinning.js';
import { type QueuedEvent, toQueued } from './queued-event.js';

function told(operation: string, n: number, type: 'log' | 'metrics' | 'warning'): QueuedEvent {
  const bodies = {
    log: { type, stream: 'stdout', lines: ['x'] },
    metrics: { type, step: 1, epoch: 0, values: {}, best: false },
    warning: { type, code: 'c', message: 'm' },
  };
  const identity = { n, operation_id: operation, attempt: 1, worker_id: 'w1', at: '2026-11-22T10:15:00.000Z' };
  return toQueued({ ...identity, body: bodies[type] } as WorkerEvent);
}

const many = (operation: string, count: number, type: 'log' | 'metrics' | 'warning'): QueuedEvent[] =>
  Array.from({ length: count }, (_, index) => told(operation, index + 1, type));

function thinned(events: readonly QueuedEvent[], totalBytes: number): QueuedEvent[] {
  const thinning = new Thinning();
  for (const event of events) thinning.count(event);
  thinning.decide(totalBytes);
  return events.flatMap((event) => thinning.pass(event) ?? []);
}

describe('thinning', () => {
  it('lets the small keep all, and the others alike', () => {
    expect(fairShare([10, 100, 100], 110)).toBe(50);
    expect(fairShare([10, 20], 30)).toBe(Infinity);
    expect(fairShare([], 0)).toBe(Infinity);
    expect(fairShare([10, 10], 0)).toBe(0);
  });

  it('takes logs of the chatty, and none of the quiet who has less than his share', () => {
    const quiet = many('op_quiet', 10, 'log');
    const chatty = many('op_chatty', 200, 'log');
    const one = quiet[0]?.bytes ?? 0;
    const kept = thinned([...quiet, ...chatty], 60 * one);
    expect(kept.filter(({ key }) => key.startsWith('op_quiet'))).toEqual(quiet);
    const rest = kept.filter(({ key }) => key.startsWith('op_chatty'));
    expect(rest.filter(({ type }) => type === 'warning')).toHaveLength(1);
    expect(Math.abs(rest.length - 50)).toBeLessThanOrEqual(4);
    // Spread over the whole of them.
    expect(rest.filter(({ n }) => n > 100).length).toBeGreaterThan(20);
  });

  it('touches metrics only when there is no log left, and warnings never', () => {
    const warnings = many('op_a', 20, 'warning');
    const metrics = many('op_a', 20, 'metrics');
    const logs = many('op_a', 20, 'log');
    const bytes = (events: readonly QueuedEvent[]): number => events.reduce((sum, event) => sum + event.bytes, 0);
    const ofType = (events: readonly QueuedEvent[], type: string): number =>
      events.filter((event) => event.type === type && !event.line.includes('events-left-out')).length;
    const without = thinned([...warnings, ...metrics, ...logs], bytes(warnings) + bytes(metrics));
    expect([ofType(without, 'warning'), ofType(without, 'metrics'), ofType(without, 'log')]).toEqual([20, 20, 0]);
    const least = thinned([...warnings, ...metrics, ...logs], bytes(warnings));
    expect([ofType(least, 'warning'), ofType(least, 'metrics'), ofType(least, 'log')]).toEqual([20, 0, 0]);
  });
});
