import { RequestInvalidError } from '../model/errors.js';
import { assertEpochsSuffice } from './epoch-limits.js';

const plan = { progress: { step: 1_200, epoch: 12, steps: 1_200, epochs: 12, examplesPerSecond: null } };
const at = (step: number, epoch: number, kind = 'periodic') => ({ step, epoch, kind });

function problemOf(epochs: number, checkpoint: ReturnType<typeof at> | null, operation: typeof plan = plan) {
  try {
    assertEpochsSuffice({ epochs }, checkpoint, operation);
    return null;
  } catch (error) {
    return error instanceof RequestInvalidError ? error.problems[0] : error;
  }
}

describe('the epochs that are asked for', () => {
  it('are not fewer than are trained already', () => {
    expect(problemOf(5, at(1_200, 12, 'final'))).toEqual({
      path: 'overrides.epochs',
      message:
        '12 epochs are trained already at its step 1200: 12 is the least that is possible, which completes at once',
    });
    expect(problemOf(5, at(669, 6))).toMatchObject({
      message:
        '6 epochs are trained already at its step 669, which is inside the next: 7 is the least that is possible',
    });
  });

  it('are as many as are trained only where no epoch has begun since', () => {
    expect(problemOf(6, at(600, 6))).toBeNull();
    expect(problemOf(6, at(601, 6))).toMatchObject({ path: 'overrides.epochs' });
    expect(problemOf(7, at(601, 6))).toBeNull();
    expect(problemOf(1, at(99, 0))).toBeNull();
  });

  it('need one more where epochs have had different numbers of steps, but for the end of the run', () => {
    const uneven = { progress: { ...plan.progress, steps: 1_700 } };
    expect(problemOf(6, at(600, 6), uneven)).toMatchObject({ path: 'overrides.epochs' });
    expect(problemOf(12, at(1_700, 12, 'final'), uneven)).toBeNull();
  });

  it('are any where nothing was trained, and where none are asked for', () => {
    expect(problemOf(1, null)).toBeNull();
    expect(() => assertEpochsSuffice({}, at(669, 6), plan)).not.toThrow();
  });
});
