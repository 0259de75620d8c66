/** An exponentially smoothed figure; null before the first. */
export class Smoothed {
  private smoothed: number | null = null;

  /** @param weight of the newest, above 0 and at most 1. */
  constructor(private readonly weight: number) {}

  add(value: number): void {
    this.smoothed = this.smoothed === null ? value : this.smoothed + this.weight * (value - this.smoothed);
  }

  get value(): number | null {
    return this.smoothed;
  }
}
