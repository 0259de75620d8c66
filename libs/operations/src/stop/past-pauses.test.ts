import type { HistoryEntry } from '../model/records.js';
import { pastPauses } from './past-pauses.js';

const AT = new Date('2026-11-22T10:15:00Z');

function entry(n: number, change: Partial<HistoryEntry>): HistoryEntry {
  return {
    n,
    event: 'pause',
    from: 'running',
    to: 'pausing',
    actor: 'client:ada',
    reason: null,
    attempt: 1,
    at: AT,
    details: {},
    ...change,
  };
}

const asked = (n: number, actor: string, reason: string | null = null) =>
  entry(n, { actor, reason, details: { boundary: 'step', cause: 'manual' } });
const carriedOut = (n: number, change: Partial<HistoryEntry> = {}) =>
  entry(n, {
    event: 'paused',
    from: 'pausing',
    to: 'paused',
    actor: 'worker:w2',
    details: { step: 336, epoch: 3 },
    ...change,
  });

describe('a pause of the past', () => {
  it('is told by who asked for it, and where its worker had come to', () => {
    expect(pastPauses([asked(3, 'client:ada', 'lunch'), carriedOut(4)])).toEqual([
      {
        pausedAt: AT,
        actor: 'client:ada',
        reason: 'lunch',
        cause: 'manual',
        step: 336,
        epoch: 3,
      },
    ]);
  });

  it('is told by the last request: one that was withdrawn or given up came to no pause', () => {
    const entries = [asked(3, 'client:ada', 'lunch'), asked(6, 'client:bob'), carriedOut(7), asked(10, 'client:cy')];
    expect(pastPauses(entries)).toMatchObject([{ actor: 'client:bob', reason: null }]);
  });

  it('is told so too where its worker was lost meanwhile', () => {
    const lost = carriedOut(4, { event: 'lease-expired', actor: 'sweeper', reason: 'no heartbeat', details: {} });
    expect(pastPauses([asked(3, 'policy:watchdog', 'it is stuck'), lost])).toMatchObject([
      { actor: 'policy:watchdog', reason: 'it is stuck', step: 0 },
    ]);
  });

  it('is its own request where no worker held it, and has none where it came with an import', () => {
    const waiting = entry(5, { from: 'queued', to: 'paused', actor: 'client:bob', details: { cause: 'budget' } });
    const imported = entry(1, { event: 'import', from: null, to: 'paused', actor: 'client:cy' });
    expect(pastPauses([imported, asked(3, 'client:ada'), waiting])).toMatchObject([
      { actor: 'client:cy', cause: null },
      { actor: 'client:bob', cause: 'budget' },
    ]);
  });
});
