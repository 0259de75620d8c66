import { parseBenchOptions, UsageError } from './options.js';

const KNOWN = ['resume-race', 'resume-latency'];

describe('the command line of bench', () => {
  it('runs everything when nothing is named', () => {
    expect(parseBenchOptions([], KNOWN)).toEqual({ names: KNOWN, json: false, reference: undefined });
  });

  it('runs what is named, each once, in that order', () => {
    const names = ['resume-latency', 'resume-race', 'resume-latency'];
    expect(parseBenchOptions([...names, '--json'], KNOWN)).toMatchObject({ names: KNOWN.toReversed(), json: true });
  });

  it('finds the other checkout from where the command was typed', () => {
    expect(parseBenchOptions(['--reference', '../before'], KNOWN, '/home/own')).toMatchObject({
      reference: '/home/before',
    });
  });

  it('says in one sentence which benches there are', () => {
    expect(() => parseBenchOptions(['speed'], KNOWN)).toThrow(
      new UsageError('There is no bench speed; there are resume-race, resume-latency.'),
    );
  });

  it('says which options there are', () => {
    expect(() => parseBenchOptions(['--fast'], KNOWN)).toThrow(
      'There is no option --fast; there are --json and --reference DIR',
    );
  });

  it('answers a call for help with nothing to run', () => {
    expect(parseBenchOptions(['--help'], KNOWN)).toBeUndefined();
  });
});
