import { quantile } from './statistics.js';

const ROUNDS = 7;
const WARM_UPS = 2;
const SIDES = ['own', 'reference'] as const;

/** Medians of the same work done by us and by the reference, in the same unit. */
export type Beside = Readonly<{ own: number; reference: number }>;

/**
 * Does both in turn, so that whatever else the machine does meets both, and takes the medians of what they return. Each
 * is first in every other round: what comes second may have to clear up after what came first.
 */
export async function beside(
  measure: Readonly<{ own: () => Promise<number> | number; reference: () => Promise<number> | number }>,
  { rounds = ROUNDS, warmUps = WARM_UPS } = {},
): Promise<Beside> {
  const samples = { own: [] as number[], reference: [] as number[] };
  for (let round = 1 - warmUps; round <= rounds; round += 1) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const sample = await measure[side]();
      if (round >= 1) samples[side].push(sample);
    }
  }
  return { own: quantile(samples.own, 0.5), reference: quantile(samples.reference, 0.5) };
}

/** Milliseconds that something takes. */
export async function timed(act: () => Promise<unknown> | unknown): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}
