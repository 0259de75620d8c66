import type { Metrics } from '@ktrdr/contracts';

/** The metrics of a program at a step. */
export interface StepMetrics {
  readonly step: number;
  readonly epoch: number;
  readonly metrics: Metrics;
}

/** How many readings are kept as they came, and of each coarser level. */
interface Kept {
  readonly recent: number;
  readonly ofEachLevel: number;
}

/**
 * The metrics of a program, one reading for each step and epoch. All recent readings stay; of older ones every second,
 * then every fourth, and so on. The first stays for ever, and a million take little room.
 */
export class DownsampledMetrics {
  /** Each is older than the one before it, and half as dense; within a level the oldest is first. */
  private readonly levels: StepMetrics[][] = [[]];

  constructor(private readonly kept: Kept = { recent: 10_000, ofEachLevel: 1_000 }) {}

  add(reading: StepMetrics): void {
    const [recent = []] = this.levels;
    const last = recent.at(-1);
    if (last?.step === reading.step && last.epoch === reading.epoch) recent.pop();
    recent.push(reading);
    for (const [nth, level] of this.levels.entries()) {
      const limit = nth === 0 ? this.kept.recent : this.kept.ofEachLevel;
      if (level.length <= limit) return;
      const older = level.splice(0, level.length - Math.floor(limit / 2));
      (this.levels[nth + 1] ??= []).push(...older.filter((_, index) => index % 2 === 0));
    }
  }

  /** The newest reading up to a step, else the oldest; undefined when there is none. */
  at(step: number): StepMetrics | undefined {
    for (const level of this.levels) {
      const found = level.findLast((reading) => reading.step <= step);
      if (found) return found;
    }
    return this.levels.at(-1)?.[0];
  }
}
