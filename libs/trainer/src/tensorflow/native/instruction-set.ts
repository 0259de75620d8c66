/**
 * oneDNN multiplies matrices with kernels of their own for each of these, best first, and each adds in an order of its
 * own. Finer differences (VNNI, BF16) change no float32 result.
 */
const LEVELS = [
  { name: 'avx512', flags: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'] },
  { name: 'avx2', flags: ['avx2', 'fma'] },
  { name: 'avx', flags: ['avx'] },
] as const;
const LOWEST = 'sse4';

/** The instruction set that TensorFlow's arithmetic follows, from the text of `/proc/cpuinfo`. */
export function instructionSetOf(cpuinfo: string): string {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  return LEVELS.find((level) => level.flags.every((flag) => flags.has(flag)))?.name ?? LOWEST;
}
