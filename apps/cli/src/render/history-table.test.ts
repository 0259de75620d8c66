import { eventView, ID, plainText } from '../testing/fixtures.js';
import { renderExplanation, renderHistory, renderLogEvent } from './history-table.js';

const lines = (...expected: string[]) => expected.join('\n');

describe('the story of an operation', () => {
  it('lists its history and numbers the transitions only', () => {
    const entry = { actor: 'ada', reason: null, attempt: 0, at: '2026-11-22T10:15:00.000Z', details: {} };
    const items = [
      { ...entry, n: 1, event: 'submit', from: null, to: 'queued' as const },
      { ...entry, n: 1, event: 'fork', from: 'queued' as const, to: 'queued' as const, reason: 'as op_2' },
      { ...entry, n: 2, event: 'cancel', from: 'queued' as const, to: 'cancelled' as const, reason: 'wrong data' },
    ];
    expect(plainText(renderHistory({ items }))).toBe(
      lines(
        '#  AT                   EVENT   FROM    TO         ATTEMPT  BY   REASON',
        '1  2026-11-22 10:15:00  submit  –       queued           0  ada',
        '   2026-11-22 10:15:00  fork    queued  queued           0  ada  as op_2',
        '2  2026-11-22 10:15:00  cancel  queued  cancelled        0  ada  wrong data',
      ),
    );
  });

  it('says in its history how far it went back, and why', () => {
    const entry = { n: 2, actor: 'ada', attempt: 1, at: '2026-11-22T10:15:00.000Z', reason: null };
    const moved = { event: 'resume', from: 'failed' as const, to: 'resuming' as const };
    const reasonOf = (details: Readonly<Record<string, unknown>>, reason: string | null = null) =>
      plainText(renderHistory({ items: [{ ...entry, ...moved, reason, details }] }))
        .split('\n')[1]
        ?.split('ada')[1]
        ?.trim();
    const back = { checkpoint_id: 'ck_01', step: 1200, lost_steps: 33 };
    expect(reasonOf({ ...back, fell_back_from: 'ck_02' })).toBe(
      'fell back from ck_02 (damaged) to ck_01 at step 1,200, losing 33 steps',
    );
    expect(reasonOf({ ...back, fell_back_from: 'ck_02', lost_steps: 0 })).toContain('at step 1,200, losing no steps');
    expect(reasonOf(back, 'tried again')).toBe('tried again; went back to ck_01 at step 1,200, losing 33 steps');
    expect(reasonOf({ checkpoint_id: 'ck_01', lost_steps: 1 })).toBe('went back to ck_01, losing 1 step');
    expect(reasonOf({ checkpoint_id: null, step: 0, lost_steps: 33 })).toBe('began again at step 0, losing 33 steps');
    expect(reasonOf({ ...back, lost_steps: 0 })).toBe('');
    expect(reasonOf({ checkpoint_id: 'ck_01', step: 1200 })).toBe('');
  });

  it('explains with reasons and commands', () => {
    const view = {
      operation_id: ID,
      status: 'queued' as const,
      summary: 'It waits for a worker.',
      reasons: ['All 2 workers are busy', 'It is 3rd in the queue'],
      next: 'The next free worker takes it.',
      allowed_actions: ['pause' as const],
    };
    expect(plainText(renderExplanation(view))).toBe(
      lines(
        ID,
        '  status    queued',
        '  summary   It waits for a worker.',
        '  because   All 2 workers are busy',
        '            It is 3rd in the queue',
        '  next      The next free worker takes it.',
        `  you can   ktrdr operations pause ${ID}`,
      ),
    );
  });

  it('shows what the trainer wrote and nothing else', () => {
    const log = eventView(0, 'log', { stream: 'stdout', lines: ['first  ', 'sec\u0007ond'] });
    expect(plainText(renderLogEvent(log))).toBe(
      lines('2026-11-22 10:17:05  first', '2026-11-22 10:17:05  sec\\x07ond'),
    );
    expect(plainText(renderLogEvent(eventView(0, 'warning', { message: 'slow' })))).toContain('warning: slow');
    expect(renderLogEvent(eventView(0, 'progress', { step: 1 }))).toEqual([]);
    expect(renderLogEvent(eventView(0, 'log', { lines: 'none' }))).toEqual([]);
  });
});
