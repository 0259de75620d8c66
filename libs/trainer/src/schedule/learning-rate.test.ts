import { afterEpoch, initialSchedule, learningRateAt, type ScheduleState, withBaseRate } from './learning-rate.js';
import type { TrainingSpec } from '@ktrdr/specs';

type Schedule = TrainingSpec['schedule'];
const rates = (schedule: Schedule, epochs = 4) =>
  Array.from({ length: epochs }, (_, epoch) =>
    learningRateAt({ schedule, base: 0.8, epoch, epochs, state: initialSchedule(0.8) }),
  );

describe('learning rate schedules', () => {
  it('keep a constant rate', () => {
    expect(rates({ kind: 'constant' })).toEqual([0.8, 0.8, 0.8, 0.8]);
  });

  it('come down in steps', () => {
    expect(rates({ kind: 'step', every_epochs: 2, factor: 0.5 })).toEqual([0.8, 0.8, 0.4, 0.4]);
  });

  it('come down along a cosine from the base towards the minimum', () => {
    const cosine = rates({ kind: 'cosine', min_learning_rate: 0.2 });
    expect(cosine[0]).toBe(0.8);
    expect(cosine[2]).toBeCloseTo(0.5, 12);
    expect([...cosine].sort((a, b) => b - a)).toEqual(cosine);
    expect(Math.min(...cosine)).toBeGreaterThan(0.2);
  });

  it('never rise above the base when the minimum is higher', () => {
    expect(rates({ kind: 'cosine', min_learning_rate: 2 })).toEqual([0.8, 0.8, 0.8, 0.8]);
  });

  it('come down on a plateau, forget the wait and stop at the minimum', () => {
    const schedule: Schedule = { kind: 'plateau', patience: 2, factor: 0.5, min_learning_rate: 0.3, min_delta: 0.01 };
    let state: ScheduleState = initialSchedule(0.8);
    const seen = [1, 0.995, 0.999, 0.5, 0.6, 0.6, 0.6, 0.6].map((loss) => {
      state = afterEpoch(schedule, state, loss);
      return state.plateau_rate;
    });
    expect(seen).toEqual([0.8, 0.8, 0.4, 0.4, 0.4, 0.3, 0.3, 0.3]);
    expect(state.plateau.best).toBe(0.5);
  });

  it('take a new base over, a plateau in proportion to what it has come down, never below its minimum', () => {
    const plateau: Schedule = { kind: 'plateau', patience: 1, factor: 0.5, min_learning_rate: 0.3, min_delta: 0 };
    const lowered = { ...initialSchedule(0.8), plateau_rate: 0.4 };
    expect(withBaseRate(plateau, lowered, 1.6)).toMatchObject({ base_rate: 1.6, plateau_rate: 0.8 });
    expect(withBaseRate(plateau, lowered, 0.4).plateau_rate).toBe(0.3);
    expect(withBaseRate(plateau, lowered, 0.1).plateau_rate).toBe(0.1);
    expect(withBaseRate(plateau, lowered, 0.8)).toBe(lowered);
    const cosine: Schedule = { kind: 'cosine', min_learning_rate: 0 };
    expect(withBaseRate(cosine, initialSchedule(0.8), 0.4)).toEqual(initialSchedule(0.4));
  });
});
