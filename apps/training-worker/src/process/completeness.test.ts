import { Completeness, type DirectoryState } from './completeness.js';

const QUIET = { by: 'quiet', seconds: 10 } as const;

function directory(step: number, fingerprint = 'a', names = ['state.json']): DirectoryState {
  return { step, fingerprint, names, files: names.length };
}

const steps = (found: readonly DirectoryState[]) => found.map(({ step }) => step);

describe('by quiet, a directory', () => {
  it('is complete once nothing in it has changed for the time', () => {
    const rule = new Completeness(QUIET);
    expect(steps(rule.completeOf([directory(5)], 'running', 0))).toEqual([]);
    expect(steps(rule.completeOf([directory(5)], 'running', 9_999))).toEqual([]);
    expect(steps(rule.completeOf([directory(5)], 'running', 10_000))).toEqual([5]);
  });

  it('waits anew after every change', () => {
    const rule = new Completeness(QUIET);
    rule.completeOf([directory(5, 'a')], 'running', 0);
    rule.completeOf([directory(5, 'b')], 'running', 9_000);
    expect(steps(rule.completeOf([directory(5, 'b')], 'running', 18_000))).toEqual([]);
    expect(steps(rule.completeOf([directory(5, 'b')], 'running', 19_000))).toEqual([5]);
    expect(steps(rule.completeOf([directory(5, 'c')], 'running', 30_000))).toEqual([]);
  });

  it('is not made complete by the silence of a program that was killed', () => {
    const rule = new Completeness(QUIET);
    rule.completeOf([directory(5)], 'running', 0);
    expect(steps(rule.completeOf([directory(5)], 'ended-badly', 60_000))).toEqual([]);
  });

  it('stays complete when the program is killed after it was', () => {
    const rule = new Completeness(QUIET);
    rule.completeOf([directory(5)], 'running', 0);
    rule.completeOf([directory(5)], 'running', 10_000);
    expect(steps(rule.completeOf([directory(5)], 'ended-badly', 10_001))).toEqual([5]);
    expect(steps(rule.completeOf([directory(5, 'torn')], 'ended-badly', 10_002))).toEqual([]);
  });

  it('is complete when a later one was begun, or the program ended well', () => {
    const rule = new Completeness(QUIET);
    expect(steps(rule.completeOf([directory(6), directory(5)], 'running', 0))).toEqual([5]);
    expect(steps(rule.completeOf([directory(6), directory(5)], 'ended-badly', 1))).toEqual([5]);
    expect(steps(rule.completeOf([directory(6), directory(5)], 'ended-well', 1))).toEqual([5, 6]);
  });
});

it('by marker, a directory is complete when the file is in it', () => {
  const rule = new Completeness({ by: 'marker', file: 'DONE' });
  const found = rule.completeOf([directory(7), directory(5, 'a', ['state.json', 'DONE'])], 'ended-well', 0);
  expect(steps(found)).toEqual([5]);
});

it('by rename, whatever has the name is complete, empty directories excepted', () => {
  const rule = new Completeness({ by: 'rename' });
  expect(steps(rule.completeOf([directory(5), directory(4), directory(6, 'a', [])], 'ended-badly', 0))).toEqual([4, 5]);
});
