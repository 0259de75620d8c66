import type { DataGenerationSpec } from '@ktrdr/specs';
import { keyedRandom } from '../keyed-random.js';

const DAYS_PER_YEAR = 252;
/** What a price with four decimals can be without losing them; a walk that leaves this range stays at its edge. */
const LOWEST = 0.0001;
const HIGHEST = 1e11;

/**
 * Geometric Brownian motion, one step a business day: log p(i) = log p(i−1) + (μ − σ²/2)/252 + σ·z(i)/√252. z(i) is a
 * standard normal number (Box–Muller) keyed by the seed and the row, so the path is a function of the spec alone.
 */
export class PricePath {
  private logPrice: number;
  private row = 0;
  private readonly trend: number;
  private readonly spread: number;

  constructor(private readonly spec: DataGenerationSpec) {
    const { start_price, annual_drift, annual_volatility } = spec;
    this.logPrice = Math.log(start_price);
    this.trend = (annual_drift - annual_volatility ** 2 / 2) / DAYS_PER_YEAR;
    this.spread = annual_volatility / Math.sqrt(DAYS_PER_YEAR);
  }

  /** The price of the next row, with four decimals; the first is the start price. */
  next(): string {
    if (this.row > 0) this.logPrice += this.trend + this.spread * normalAt(this.spec.seed, this.row);
    this.row += 1;
    return Math.min(Math.max(Math.exp(this.logPrice), LOWEST), HIGHEST).toFixed(4);
  }
}

function normalAt(seed: number, row: number): number {
  const random = keyedRandom(seed, 'price', row);
  const radius = Math.sqrt(-2 * Math.log(1 - random.nextFloat()));
  return radius * Math.cos(2 * Math.PI * random.nextFloat());
}
