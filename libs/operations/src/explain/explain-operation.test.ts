import { explain as explanationOf, type ExplainFacts } from './explain-operation.js';
import { isLeased, OPERATION_STATUSES, type OperationStatus } from '../model/status.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const worker = (overrides: Partial<ExplainFacts['workers'][number]> = {}) => ({
  id: 'w1',
  freeSlots: 1,
  draining: false,
  isQuarantined: false,
  capabilities: ['type:training'],
  ...overrides,
});
const facts = (status: OperationStatus, overrides: Partial<ExplainFacts> = {}, operation = {}): ExplainFacts => ({
  operation: givenOperation({
    status,
    requirements: ['type:training'],
    ...(isLeased(status) ? { attempt: 1, workerId: 'w1', leaseExpiresAt: new Date(NOW.getTime() + 4_000) } : {}),
    ...operation,
  }),
  queuePosition: status === 'queued' || status === 'resuming' ? 1 : null,
  checkpoints: [],
  workers: [worker()],
  now: NOW,
  leaseMs: 6_000,
  ...overrides,
});

/** With the sentences and the codes of its reasons. */
function explain(given: ExplainFacts) {
  const explanation = explanationOf(given);
  const codes = explanation.reasons.map(({ code }) => code);
  return { ...explanation, codes, reasons: explanation.reasons.map(({ message }) => message) };
}

describe('the explanation', () => {
  it.each(OPERATION_STATUSES)('of a %s operation gives a summary, a reason and what comes next', (status) => {
    for (const checkpoints of [[], [givenCheckpoint()], [givenCheckpoint({ corruptedAt: NOW })]]) {
      const { summary, reasons, codes, next } = explain(facts(status, { checkpoints }));
      for (const sentence of [summary, next, ...reasons]) expect(sentence).toMatch(/\S/);
      for (const code of codes) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(reasons.length).toBeGreaterThan(0);
      expect([summary, next, ...reasons].join()).not.toMatch(/undefined|\bnull\b|NaN|Invalid Date/);
    }
  });

  const whyItWaits: readonly (readonly [string, Partial<ExplainFacts>, RegExp])[] = [
    ['there is no worker', { workers: [] }, /no worker of pool default is alive/],
    [
      'no worker offers what it needs',
      { workers: [worker({ capabilities: [] }), worker({ id: 'w2', capabilities: ['type:other'] })] },
      /2 workers are alive in pool default, but none offers type:training/,
    ],
    [
      'the only worker does not offer what it needs',
      { workers: [worker({ capabilities: [] })] },
      /1 worker is alive in pool default, but none offers type:training/,
    ],
    ['every worker is busy', { workers: [worker({ freeSlots: 0 })] }, /^the only fitting worker is busy$/m],
    [
      'all of several are busy',
      { workers: [worker({ freeSlots: 0 }), worker({ id: 'w2', freeSlots: 0 })] },
      /all 2 fitting workers are busy, draining or quarantined/,
    ],
    [
      'every worker is quarantined',
      { workers: [worker({ isQuarantined: true })] },
      /takes new work \(1 is quarantined\)/,
    ],
    ['every worker is draining', { workers: [worker({ draining: true })] }, /takes new work \(1 is draining\)/],
    ['it is about to be claimed', {}, /1 fitting worker has a free slot and is about to claim it/],
    ['another is before it', { queuePosition: 2 }, /^1 operation is before it$/m],
    ['others are before it', { queuePosition: 4 }, /3 operations are before it/],
  ];
  it.each(whyItWaits)('of a waiting operation says that %s', (_name, overrides, expected) => {
    for (const status of ['queued', 'resuming'] as const)
      expect(explain(facts(status, overrides)).reasons.join('\n')).toMatch(expected);
  });

  it('says from where a resuming operation continues', () => {
    const { reasons } = explain(facts('resuming', { checkpoints: [givenCheckpoint({ step: 1400, epoch: 25 })] }));
    expect(reasons.join('\n')).toMatch(/continues from step 1400 \(epoch 25\)/);
  });

  it('says how to go on without the backend that no worker has', () => {
    const bound = { pinnedBackend: 'wasm', requirements: ['type:training', 'backend:wasm'] };
    const workers = [
      { id: 'w1', freeSlots: 1, draining: false, isQuarantined: false, capabilities: ['type:training', 'backend:cpu'] },
    ];
    const { reasons, suggestions } = explain(facts('resuming', { workers }, bound));
    expect(reasons.join('\n')).toMatch(/none offers backend:wasm\n.*another backend allowed/);
    const operation_id = givenOperation().id;
    expect(suggestions).toEqual([
      { action: 'cancel', operation_id },
      { action: 'resume', operation_id, allow_backend_change: true },
    ]);
  });

  it.each(['running', 'pausing', 'cancelling'] as const)('says who holds a %s operation and for how long', (status) => {
    const { summary, reasons } = explain(facts(status));
    expect(summary).toContain('worker w1');
    expect(reasons[0]).toMatch(/holds attempt 1; its lease runs 4\.0 s more/);
  });

  it('says when the holder has not been heard of for a whole lease', () => {
    const expired = { leaseExpiresAt: new Date(NOW.getTime() - 1) };
    const { reasons, next } = explain(facts('running', {}, expired));
    expect(reasons[0]).toMatch(/not been heard of for over 6 s/);
    expect(next).toMatch(/sweeper/);
  });

  it('says that its trainer is stuck, where it is', () => {
    const stuckSince = new Date(NOW.getTime() - 1_000);
    const { reasons, next } = explain(facts('running', {}, { stuckSince, watchdog: { seconds: 30, onStall: 'warn' } }));
    expect(reasons[0]).toMatch(/no step for over 30 s: it was found stuck at/);
    expect(next).toMatch(/when its trainer makes a step again/);
  });

  describe('of what is held', () => {
    const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
    const warning = (seconds: number, code: string, message: string) => ({
      code,
      message,
      at: at(seconds).toISOString(),
    });
    const warnings = [
      warning(-9, 'checkpoint-failed', 'periodic checkpoint at step 10 failed'),
      warning(-5, 'object-store-unavailable', 'no space left on device'),
      warning(-1, 'drift', 'the trainer differs'),
    ];

    it.each(['running', 'pausing', 'cancelling'] as const)('names what keeps a %s one from being saved', (status) => {
      const told = [`no space left on device (warned at ${at(-5).toISOString()})`];
      const { reasons } = explain(facts(status, {}, { warnings }));
      expect(reasons.slice(1)).toEqual(['no checkpoint is committed yet', ...told]);
      const before = explain(facts(status, { checkpoints: [givenCheckpoint({ createdAt: at(-7) })] }, { warnings }));
      expect(before.reasons.slice(2)).toEqual(told);
    });

    it('names none that a newer checkpoint has overtaken', () => {
      const checkpoints = [givenCheckpoint({ createdAt: at(-4) })];
      expect(explain(facts('pausing', { checkpoints }, { warnings })).reasons).toHaveLength(2);
    });

    it('names none of something else', () => {
      expect(explain(facts('pausing', {}, { warnings: warnings.slice(2) })).reasons).toHaveLength(2);
    });
  });

  it('says that a cancel discards, where it was asked to', () => {
    const cancelRequest = { save: false, reason: null, requestedBy: 'somebody', requestedAt: NOW.toISOString() };
    expect(explain(facts('cancelling', {}, { cancelRequest })).next).toMatch(/discarded/);
    expect(explain(facts('cancelling')).next).toMatch(/checkpoint is committed/);
  });

  it.each(['paused', 'cancelled', 'failed'] as const)('says what a %s operation can be continued from', (status) => {
    const progress = { step: 50, epoch: 2, steps: 100, epochs: 4, examplesPerSecond: null };
    const said = (overrides: Partial<ExplainFacts>, operation = {}) =>
      explain(facts(status, overrides, operation)).reasons.join('\n');
    expect(said({ checkpoints: [givenCheckpoint()] })).toMatch(/continues from step 10/);
    expect(said({}, { progress })).toMatch(
      /no checkpoint is left: resuming it begins again at step 0, and only where a fallback is allowed/,
    );
    expect(explain(facts(status, {}, { progress })).suggestions).toMatchObject([
      { action: 'resume', allow_fallback: true },
    ]);
    expect(explain(facts(status)).suggestions).toEqual([{ action: 'resume', operation_id: givenOperation().id }]);
    expect(said({})).toMatch(/begins at step 0/);
  });

  describe('where the newest checkpoint was found damaged', () => {
    const progress = { step: 45, epoch: 4, steps: 100, epochs: 9, examplesPerSecond: null };
    const damaged = givenCheckpoint({ id: 'c40', step: 40, epoch: 4, corruptedAt: NOW });
    const sound = givenCheckpoint({ id: 'c20', step: 20, epoch: 2 });

    it.each(['paused', 'cancelled', 'failed'] as const)('says what a %s operation falls back to', (status) => {
      const { reasons, suggestions } = explain(facts(status, { checkpoints: [damaged, sound] }, { progress }));
      expect(reasons.join('\n')).toMatch(
        /checkpoint c40, at step 40, was found damaged; it falls back to step 20 \(epoch 2\), checkpoint c20, which loses 25 steps, and only where a fallback is allowed/,
      );
      expect(suggestions).toMatchObject([{ action: 'resume', allow_fallback: true }]);
    });

    it.each(['paused', 'cancelled', 'failed'] as const)('says that nothing is left of a %s operation', (status) => {
      for (const trained of [45, 0]) {
        const at = { progress: { ...progress, step: trained } };
        const { reasons, suggestions } = explain(facts(status, { checkpoints: [damaged] }, at));
        expect(reasons.join('\n')).toMatch(/checkpoint c40, at step 40, was found damaged, and no older one is left/);
        expect(suggestions).toEqual([{ action: 'verify-checkpoint', checkpoint_id: 'c40' }]);
      }
    });

    it('says nothing of one that was given up for an older one before', () => {
      const { reasons } = explain(
        facts('cancelled', { checkpoints: [damaged, sound] }, { progress: { ...progress, step: 25 } }),
      );
      expect(reasons.join('\n')).toMatch(/it continues from step 20 .*c20$/);
    });

    it('says where a resuming operation begins, whatever else there is', () => {
      const said = (operation: object) =>
        explain(facts('resuming', { checkpoints: [damaged, sound] }, { progress, ...operation })).reasons.join('\n');
      expect(said({ resumeCheckpointId: 'c20' })).toMatch(/it continues from step 20/);
      expect(said({})).toMatch(/it continues from step 20/);
      expect(explain(facts('resuming', { checkpoints: [damaged] }, { progress })).reasons.join('\n')).toMatch(
        /was found damaged, and no older one is left/,
      );
    });

    it('says of a running operation where the last sound one is', () => {
      const { reasons } = explain(facts('running', { checkpoints: [damaged, sound] }));
      expect(reasons[1]).toBe('the last sound checkpoint is at step 20; a newer one, at step 40, was found damaged');
      expect(explain(facts('running', { checkpoints: [damaged] })).reasons[1]).toBe(
        'the last checkpoint, at step 40, was found damaged; there is no sound one',
      );
    });
  });

  it('says of an imported operation who imported it, until somebody pauses it here', () => {
    const origin = { kind: 'import', operationId: 'op_elsewhere', checkpointId: 'c0' };
    const imported = { origin, createdBy: 'client:cy', progress: null };
    const { summary, reasons } = explain(facts('paused', { checkpoints: [givenCheckpoint()] }, imported));
    expect(summary).toBe('Paused since client:cy imported it');
    expect(reasons).toEqual(['it was made of checkpoint c0 of op_elsewhere', expect.stringMatching(/continues from/)]);
    const pauseRequest = { requestedBy: 'client:ada', reason: 'lunch' };
    expect(explain(facts('paused', {}, { ...imported, pauseRequest })).summary).toBe('Paused by client:ada');
  });

  it('says why it failed', () => {
    const error = { code: 'data-invalid', message: 'column close is missing', details: {} };
    expect(explain(facts('failed', {}, { error })).summary).toBe('Failed: column close is missing');
  });
});
