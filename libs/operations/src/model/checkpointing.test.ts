import { achieved, afterReport, type CheckpointingReport } from './checkpointing.js';

const report = (changes: Partial<CheckpointingReport> = {}): CheckpointingReport => ({
  overheadBudget: 0.02,
  maxLossSeconds: 60,
  intervalSeconds: 10,
  decidedBy: 'budget',
  stallMs: 20,
  backgroundMs: 180,
  commitSeconds: 0.5,
  saves: 3,
  costSeconds: 0.6,
  trainedSeconds: 30,
  longestUnprotectedSeconds: 11,
  ...changes,
});

describe('what saving by a budget has come to', () => {
  it('is the newest report of an attempt, which holds all of it', () => {
    const known = afterReport(
      afterReport(null, 1, report()),
      1,
      report({ saves: 4, costSeconds: 0.8, trainedSeconds: 50 }),
    );
    expect(achieved(known)).toMatchObject({
      saves: 4,
      overheadFraction: 0.016,
      isBudgetKept: true,
      isMaxLossKept: true,
    });
  });

  it('adds the attempts up and keeps the longest time without protection', () => {
    const first = afterReport(null, 1, report({ costSeconds: 2, trainedSeconds: 50, longestUnprotectedSeconds: 61 }));
    const second = afterReport(first, 2, report({ costSeconds: 1, trainedSeconds: 100 }));
    expect(achieved(second)).toEqual({
      saves: 6,
      costSeconds: 3,
      trainedSeconds: 150,
      overheadFraction: 0.02,
      isBudgetKept: true,
      isMaxLossKept: false,
    });
    expect(achieved(afterReport(second, 3, report({ costSeconds: 3, trainedSeconds: 10 })))).toMatchObject({
      costSeconds: 6,
      isBudgetKept: false,
    });
  });
});
