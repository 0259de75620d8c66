import { parseQuickstartOptions } from './options.js';

describe('the command line of the quickstart', () => {
  it('asks for help or for nothing', () => {
    expect(parseQuickstartOptions([])).toEqual({ isHelp: false });
    expect(parseQuickstartOptions(['--help'])).toEqual({ isHelp: true });
    expect(parseQuickstartOptions(['-h'])).toEqual({ isHelp: true });
  });

  it.each(['--wat', 'surplus', '--help=yes'])('is refused with %s', (arg) => {
    expect(() => parseQuickstartOptions([arg])).toThrow(/option|argument/i);
  });
});
