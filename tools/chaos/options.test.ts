import { parseChaosOptions, UsageError } from './options.js';

describe('the options of the chaos run', () => {
  it('have defaults, and a seed of their own each time', () => {
    const options = parseChaosOptions([]);
    expect(options).toMatchObject({ minutes: 2, operations: 20, workers: 3, apis: 2, json: false, keep: false });
    expect(options?.seed).not.toBe(parseChaosOptions([])?.seed);
  });

  it('take what is given', () => {
    const args = ['--minutes', '0.5', '--seed', 'abc', '--operations', '4', '--workers', '2', '--apis', '1', '--json'];
    expect(parseChaosOptions(args)).toEqual({
      minutes: 0.5,
      seed: 'abc',
      operations: 4,
      workers: 2,
      apis: 1,
      json: true,
      keep: false,
    });
  });

  it('are undefined when only help is asked for', () => {
    expect(parseChaosOptions(['--help'])).toBeUndefined();
  });

  it.each([
    ['too short a time', ['--minutes', '0']],
    ['half an operation', ['--operations', '1.5']],
    ['no number', ['--workers', 'many']],
    ['an empty number', ['--apis', '']],
    ['an unknown option', ['--gently']],
  ])('refuse %s', (_name, args) => {
    expect(() => parseChaosOptions(args)).toThrow(UsageError);
  });
});
