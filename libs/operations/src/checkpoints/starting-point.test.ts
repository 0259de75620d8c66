import { startingPoint } from './starting-point.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';

const corruptedAt = new Date(0);
const at = (step: number, overrides: Parameters<typeof givenCheckpoint>[0] = {}) =>
  givenCheckpoint({ id: `c${step}`, step, ...overrides });
const operation = givenOperation({
  progress: { step: 45, epoch: 0, steps: 100, epochs: 1, examplesPerSecond: null },
  resumeCheckpointId: null,
});

describe('what an attempt continues from', () => {
  it.each([
    ['the newest', [at(40), at(30)], { id: 'c40', fellBackFrom: null }],
    ['the newest sound one', [at(40, { corruptedAt }), at(30)], { id: 'c30', fellBackFrom: 'c40' }],
    [
      'the newest sound one, for one that was given up before',
      [at(60, { corruptedAt }), at(40)],
      { id: 'c40', fellBackFrom: null },
    ],
    ['a damaged one where there is no other', [at(40, { corruptedAt })], { id: 'c40', fellBackFrom: null }],
    ['none', [], { id: undefined, fellBackFrom: null }],
  ])('is %s', (_what, checkpoints, { id, fellBackFrom }) => {
    const point = startingPoint(operation, checkpoints);
    expect({ id: point.checkpoint?.id, fellBackFrom: point.fellBackFrom }).toEqual({ id, fellBackFrom });
  });

  it('is what was chosen, whatever is newer', () => {
    const checkpoints = [at(40), at(30), at(20)];
    expect(startingPoint({ ...operation, resumeCheckpointId: 'c20' }, checkpoints)).toEqual({
      checkpoint: checkpoints[2],
      fellBackFrom: null,
    });
  });
});
