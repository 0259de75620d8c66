import type { SelfCheck } from './self-check.js';

/** Largest difference of a weight from WASM's after one step. */
const TOLERANCE = 1e-5;

/** `4.22.0+tf2.21.0+avx512+t1`, with the GPU before the instruction set where there is one. */
function parts(version: string) {
  const fields = version.split('+').slice(2);
  const [threads, instructionSet, device = 'CPU'] = fields.toReversed();
  return { device, instructionSet, threads: threads?.slice(1) };
}

/** What the self-check has found, in words, and what of it is not as it must be. */
export function judge({ version, difference, runs }: SelfCheck): Readonly<{ text: string; problem: string | null }> {
  const { device, instructionSet, threads } = parts(version);
  const areEqual = new Set(runs).size === 1;
  const rows = [
    ['version', version],
    ['device', device],
    ['instruction set', instructionSet],
    ['threads', threads],
    ['beside WASM', `${difference.toExponential(1)} after one step (at most ${TOLERANCE})`],
    [
      'runs',
      `${runs.length}, ${areEqual ? 'equal' : 'NOT equal'}: ${[...new Set(runs)].map((hash) => hash.slice(0, 16)).join(', ')}`,
    ],
  ];
  const text = ['Native TensorFlow', ...rows.map(([label, value]) => `  ${label?.padEnd(16)} ${value}`)].join('\n');
  if (!(difference <= TOLERANCE))
    return { text, problem: 'It is built, but its weights are not near those of WASM: do not use it.' };
  if (!areEqual) return { text, problem: 'It is built, but equal runs end with different weights: do not use it.' };
  return { text, problem: null };
}
