import { parseStackOptions } from './options.js';

describe('the command line of the stack', () => {
  it('has two workers in .ktrdr unless told otherwise', () => {
    expect(parseStackOptions([], '/work')).toEqual({
      workers: 2,
      dataDir: '/work/.ktrdr',
      readyFile: undefined,
      port: 0,
      keepGoing: false,
    });
  });

  it('takes relative paths from where it was typed', () => {
    const options = parseStackOptions(['--data-dir', 'data', '--ready-file=ready.json'], '/elsewhere');
    expect(options).toMatchObject({ dataDir: '/elsewhere/data', readyFile: '/elsewhere/ready.json' });
  });

  it.each(['-1', 'x', '2.5', '65', ''])('refuses %j workers', (text) => {
    expect(() => parseStackOptions([`--workers=${text}`], '/')).toThrow(
      '--workers must be a whole number from 0 to 64',
    );
  });

  it.each([['--port=65536'], ['--wat'], ['surplus']])('refuses %s', (arg) => {
    expect(() => parseStackOptions([arg], '/')).toThrow();
  });

  it('is undefined when only help is asked for', () => {
    expect(parseStackOptions(['--help'], '/')).toBeUndefined();
  });
});
