import { nearest, nearestCommand } from './did-you-mean.js';

describe('what was probably meant', () => {
  it.each([
    ['jsn', 'json'],
    ['prioriti', 'priority'],
    ['lable', 'label'],
    ['frobnicate', null],
    ['x', null],
  ])('by %s is %s', (word, meant) => {
    expect(nearest(word, ['json', 'priority', 'label', 'watch'])).toBe(meant);
  });

  const commands = ['operations', 'operations start', 'operations list', 'operations show', 'checkpoints', 'workers'];
  it.each([
    ['operatoins', 'operations'],
    ['operations strat spec.yaml', 'operations start'],
    ['operatoins list', 'operations list'],
    ['operations frobnicate', null],
    ['operatoins op_1', 'operations'],
    ['checkpoint list', 'checkpoints'],
    ['worker', 'workers'],
    ['train spec.yaml', null],
  ])('by the command %s is %s', (typed, meant) => {
    expect(nearestCommand(typed.split(' '), commands)).toBe(meant);
  });
});
