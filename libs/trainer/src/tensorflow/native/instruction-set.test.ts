import { readFileSync } from 'node:fs';
import { instructionSetOf } from './native-machine.js';

const cpuinfo = (flags: string): string => `processor\t: 0\nvendor_id\t: Any\nflags\t\t: fpu ${flags}\nbugs\t\t:\n`;

describe('the instruction set', () => {
  it.each([
    ['avx avx2 fma avx512f avx512dq avx512bw avx512vl avx512_vnni', 'avx512'],
    ['avx avx2 fma avx512f', 'avx2'],
    ['avx avx2', 'avx'],
    ['sse4_1', 'sse4'],
    ['', 'sse4'],
  ])('of a processor with %s is %s', (flags, name) => {
    expect(instructionSetOf(cpuinfo(flags))).toBe(name);
  });

  it('of this processor is one of them', () => {
    expect(instructionSetOf(readFileSync('/proc/cpuinfo', 'utf8'))).toMatch(/^(avx512|avx2|avx|sse4)$/);
  });
});
