import { Completeness, type DirectoryState, type ProgramState } from './completeness.js';

const QUIET = { by: 'quiet', seconds: 10 } as const;

function directory(step: number, fingerprint = 'a', change: Partial<DirectoryState> = {}): DirectoryState {
  return { step, fingerprint, isMarked: false, count: 1, ...change };
}

/** Steps of the complete ones of these, which are all that there are. */
function complete(rule: Completeness, directories: DirectoryState[], program: ProgramState, nowMs: number): number[] {
  const newestStep = Math.max(...directories.map(({ step }) => step));
  return directories.filter((each) => rule.isComplete(each, { program, newestStep, nowMs })).map(({ step }) => step);
}

describe('by quiet, a directory', () => {
  it('is complete once nothing in it has changed for the time', () => {
    const rule = new Completeness(QUIET);
    expect(complete(rule, [directory(5)], 'running', 0)).toEqual([]);
    expect(complete(rule, [directory(5)], 'running', 9_999)).toEqual([]);
    expect(complete(rule, [directory(5)], 'running', 10_000)).toEqual([5]);
  });

  it('waits anew after every change', () => {
    const rule = new Completeness(QUIET);
    complete(rule, [directory(5, 'a')], 'running', 0);
    complete(rule, [directory(5, 'b')], 'running', 9_000);
    expect(complete(rule, [directory(5, 'b')], 'running', 18_000)).toEqual([]);
    expect(complete(rule, [directory(5, 'b')], 'running', 19_000)).toEqual([5]);
    expect(complete(rule, [directory(5, 'c')], 'running', 30_000)).toEqual([]);
  });

  it('is not made complete by the silence of a program that was killed', () => {
    const rule = new Completeness(QUIET);
    complete(rule, [directory(5)], 'running', 0);
    expect(complete(rule, [directory(5)], 'ended-badly', 60_000)).toEqual([]);
  });

  it('stays complete when the program is killed after it was', () => {
    const rule = new Completeness(QUIET);
    complete(rule, [directory(5)], 'running', 0);
    complete(rule, [directory(5)], 'running', 10_000);
    expect(complete(rule, [directory(5)], 'ended-badly', 10_001)).toEqual([5]);
    expect(complete(rule, [directory(5, 'torn')], 'ended-badly', 10_002)).toEqual([]);
  });

  it('is complete when a later one was begun, or the program ended well', () => {
    const rule = new Completeness(QUIET);
    expect(complete(rule, [directory(6), directory(5)], 'running', 0)).toEqual([5]);
    expect(complete(rule, [directory(6), directory(5)], 'ended-badly', 1)).toEqual([5]);
    expect(complete(rule, [directory(6), directory(5)], 'ended-well', 1)).toEqual([6, 5]);
  });
});

describe('by quiet, after the program was told to end, a directory', () => {
  it('that was being written then is not made complete by exit code 0', () => {
    const rule = new Completeness(QUIET);
    complete(rule, [directory(5), directory(6)], 'running', 0);
    rule.signalled([5, 6]);
    expect(complete(rule, [directory(5), directory(6)], 'ended-on-signal', 1)).toEqual([5]);
  });

  it('that was being written then is not made complete by one that was begun afterwards', () => {
    const rule = new Completeness(QUIET);
    rule.signalled([5, 6]);
    expect(complete(rule, [directory(5), directory(6), directory(7)], 'running', 1)).toEqual([5]);
    expect(complete(rule, [directory(5), directory(6), directory(7)], 'ended-badly', 2)).toEqual([5]);
  });

  it('that was begun afterwards is the answer of a program that ends with exit code 0', () => {
    const rule = new Completeness(QUIET);
    rule.signalled([5, 6]);
    expect(complete(rule, [directory(5), directory(6), directory(7)], 'ended-on-signal', 1)).toEqual([5, 7]);
  });

  it('that was quiet then stays complete', () => {
    const rule = new Completeness(QUIET);
    complete(rule, [directory(5)], 'running', 0);
    complete(rule, [directory(5)], 'running', 10_000);
    rule.signalled([5]);
    expect(complete(rule, [directory(5)], 'ended-on-signal', 10_001)).toEqual([5]);
  });

  it('is complete when the program had come to its own end meanwhile', () => {
    const rule = new Completeness(QUIET);
    rule.signalled([5]);
    expect(complete(rule, [directory(5)], 'ended-well', 1)).toEqual([5]);
  });
});

it('by marker, a directory is complete when the file is in it', () => {
  const rule = new Completeness({ by: 'marker', file: 'DONE' });
  rule.signalled([5, 7]);
  const directories = [directory(7), directory(5, 'a', { isMarked: true })];
  expect(complete(rule, directories, 'ended-well', 0)).toEqual([5]);
  expect(complete(rule, directories, 'ended-on-signal', 0)).toEqual([5]);
});

it('by rename, whatever has the name is complete, empty directories excepted', () => {
  const rule = new Completeness({ by: 'rename' });
  rule.signalled([4, 5, 6]);
  expect(complete(rule, [directory(5), directory(4), directory(6, 'a', { count: 0 })], 'ended-badly', 0)).toEqual([
    5, 4,
  ]);
});
