import { createHash } from 'node:crypto';

/** Random choices that the seed alone decides (SplitMix32). */
export class SeededRandom {
  private state: number;

  /** @param purpose streams of one seed with different purposes do not depend on each other. */
  constructor(seed: string, purpose: string) {
    this.state = createHash('sha256').update(`${purpose}\n${seed}`).digest().readUInt32LE(0);
  }

  /** From 0 to just below 1. */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let mixed = this.state ^ (this.state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  isTrue(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [T, number])[]): T {
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
    let at = this.next() * total;
    for (const [choice, weight] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    const last = choices.at(-1);
    if (!last) throw new RangeError('There is nothing to choose from');
    return last[0];
  }

  /** Waiting time until the next of events that come `everyMs` on average, at any moment as likely as at any other. */
  gap(everyMs: number): number {
    return -Math.log(1 - this.next()) * everyMs;
  }
}
