import { createHash } from 'node:crypto';

/** What a random sequence is for. No two purposes ever share a sequence. */
export type RandomPurpose = 'shuffle' | 'dropout' | 'initial-weights' | 'price';

/** `(value << by) | (value >>> (32 - by))` on 32 bits. */
function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/**
 * xoshiro128** 1.1 by Blackman and Vigna (https://prng.di.unimi.it/xoshiro128starstar.c), 32 bits a draw.
 * @throws {RangeError} when all four words are zero, the one state it cannot leave.
 */
export class Xoshiro128 {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor([a, b, c, d]: readonly [number, number, number, number]) {
    [this.a, this.b, this.c, this.d] = [a | 0, b | 0, c | 0, d | 0];
    if ((this.a | this.b | this.c | this.d) === 0) throw new RangeError('xoshiro128** needs a state that is not zero');
  }

  /** The next integer in [0, 2^32). */
  nextUint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = rotateLeft(this.d, 11);
    return result >>> 0;
  }

  /** The next number in [0, 1), a multiple of 2^-24 and so exact as float32. */
  nextFloat(): number {
    return (this.nextUint32() >>> 8) * 2 ** -24;
  }

  /** The next integer in [0, bound), every one equally likely: draws that would favour small ones are rejected. */
  nextBelow(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let drawn = this.nextUint32();
    while (drawn >= limit) drawn = this.nextUint32();
    return drawn % bound;
  }
}

/**
 * A sequence that depends on nothing but its key: the same (seed, purpose, key) gives the same numbers in any process
 * at any time, whatever was drawn before. The state is SHA-256 of the key, so neighbouring keys share nothing.
 */
export function keyedRandom(seed: number, purpose: RandomPurpose, ...key: readonly (string | number)[]): Xoshiro128 {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, purpose, ...key]))
    .digest();
  return new Xoshiro128([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as [number, number, number, number]);
}

/** The order in which an epoch consumes its samples (Fisher–Yates): a pure function of its arguments. */
export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  const random = keyedRandom(seed, 'shuffle', epoch);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = random.nextBelow(last + 1);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}

/** Inverted dropout: 0 with probability `rate`, else 1 / (1 - rate), one figure for each of `count` activations. */
export function dropoutMask(key: {
  readonly seed: number;
  readonly layer: number;
  readonly step: number;
  readonly rate: number;
  readonly count: number;
}): Float32Array {
  const random = keyedRandom(key.seed, 'dropout', key.layer, key.step);
  const kept = 1 / (1 - key.rate);
  const mask = new Float32Array(key.count);
  for (let index = 0; index < key.count; index += 1) mask[index] = random.nextFloat() < key.rate ? 0 : kept;
  return mask;
}

/** `count` numbers in [-limit, limit). */
export function uniformValues(random: Xoshiro128, count: number, limit: number): Float32Array {
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) values[index] = (random.nextFloat() * 2 - 1) * limit;
  return values;
}
