import { parseNativeOptions, unfitness } from './options.js';
import { CannotBuildError, demand } from './programs.js';
import { judge } from './report.js';

describe('npm run backend:native', () => {
  it('builds for the processor, or for a GPU when it is asked to', () => {
    expect(parseNativeOptions([])).toEqual({ device: 'cpu' });
    expect(parseNativeOptions(['--gpu'])).toEqual({ device: 'gpu' });
    expect(parseNativeOptions(['--help'])).toBeUndefined();
    expect(() => parseNativeOptions(['--cuda'])).toThrow('There is no --cuda; there is --gpu.');
  });

  it.each([
    [{ platform: 'linux', arch: 'x64', glibc: '2.36' }, null],
    [{ platform: 'linux', arch: 'x64', glibc: undefined }, 'this is Linux without glibc'],
    [{ platform: 'linux', arch: 'arm64', glibc: '2.36' }, 'this is linux on arm64'],
    [{ platform: 'darwin', arch: 'arm64', glibc: undefined }, 'this is darwin on arm64'],
  ])('says in one line where it cannot: %j', (machine, words) => {
    const unfit = unfitness(machine);
    if (words === null) expect(unfit).toBeNull();
    else expect(unfit).toMatch(new RegExp(`^[^\\n]*${words}; WASM and CPU train here\\.$`));
  });

  it('names a program that is missing, and its Debian package', async () => {
    const env = { PATH: '/nowhere' };
    const install = (packages: string) =>
      `install it (Debian, Ubuntu: apt-get install ${packages}) and run this again.`;
    await expect(demand(['g++'], env)).rejects.toThrow(`g++ is missing; ${install('g++')}`);
    await expect(demand(['python3'], env)).rejects.toThrow(`python3 is missing; ${install('python3 python3-pip')}`);
    await expect(demand(['pip'], env)).rejects.toThrow(`pip (python3 -m pip) is missing; ${install('python3-pip')}`);
    await expect(demand(['g++'], env)).rejects.toThrow(CannotBuildError);
  });
});

describe('the self-check', () => {
  const checked = { version: '4.22.0+tf2.21.0+avx512+t1', difference: 3e-8, runs: ['ab', 'ab', 'ab'] };

  it('tells version, device, instruction set and threads', () => {
    const { text, problem } = judge(checked);
    expect(problem).toBeNull();
    expect(text).toMatch(
      /version +4\.22\.0\+tf2\.21\.0\+avx512\+t1\n +device +CPU\n +instruction set +avx512\n +threads +1\n/,
    );
    expect(judge({ ...checked, version: '4.22.0+tf2.21.0+nvidia-h200+avx2+t1' }).text).toMatch(/device +nvidia-h200\n/);
  });

  it.each([
    [{ difference: 2e-5 }, 'not near those of WASM'],
    [{ difference: NaN }, 'not near those of WASM'],
    [{ runs: ['ab', 'ab', 'cd'] }, 'different weights'],
  ])('fails with %j', (changes, words) => {
    expect(judge({ ...checked, ...changes }).problem).toContain(words);
  });
});
