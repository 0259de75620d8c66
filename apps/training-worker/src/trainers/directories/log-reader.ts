import { type Metrics, toMetricValue } from '@ktrdr/contracts';
import { compileLogPattern, type LogPattern } from '@ktrdr/specs';

type Metric = Metrics[string];

/** The position and metrics in a line of output. */
export interface Reading {
  readonly position: Readonly<Partial<Record<PositionName, number>>>;
  readonly loss: Metric | null;
  readonly examplesPerSecond: number | null;
  /** Every named figure that is not a position; empty where the line has only progress. */
  readonly metrics: Metrics;
}

const POSITION_NAMES = ['step', 'epoch', 'steps', 'epochs'] as const;
type PositionName = (typeof POSITION_NAMES)[number];

/** A longer line is data, not progress. */
const MAX_READ_LENGTH = 4_096;
/** The share of each second that may go into reading. */
const MS_PER_SECOND = 100;
const SPELLINGS: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, infinity: Infinity };

/** Reads progress and metrics from lines of output, by the patterns of a spec. */
export class LogReader {
  private readonly patterns: readonly LogPattern[];
  private windowBegan = -Infinity;
  private spentMs = 0;

  constructor(
    sources: readonly string[],
    /** Monotonic milliseconds. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.patterns = sources.map(compileLogPattern);
  }

  /**
   * By the first pattern that matches; null when none does, or its groups hold no number. Of a flood of lines only some
   * are read, because this process also keeps leases.
   */
  read(line: string): Reading | null {
    if (this.patterns.length === 0) return null;
    const began = this.now();
    if (began - this.windowBegan >= 1_000) {
      this.windowBegan = began;
      this.spentMs = 0;
    }
    if (this.spentMs >= MS_PER_SECOND) return null;
    const reading = this.match(line);
    this.spentMs += this.now() - began;
    return reading;
  }

  private match(line: string): Reading | null {
    const text = line.slice(0, MAX_READ_LENGTH);
    for (const pattern of this.patterns) {
      const groups = pattern.groupsOf(text);
      if (groups) return toReading(groups);
    }
    return null;
  }
}

function toReading(groups: Readonly<Record<string, string>>): Reading | null {
  const numbers = Object.entries(groups).flatMap(([name, text]) => {
    const value = toNumber(text);
    return value === null ? [] : [[name, value] as const];
  });
  if (numbers.length === 0) return null;
  const known = new Map(numbers);
  const position = Object.fromEntries(
    POSITION_NAMES.flatMap((name) => {
      const value = known.get(name);
      return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? [[name, value] as const] : [];
    }),
  );
  const rate = known.get('examples_per_second');
  const figures = numbers.filter(([name]) => !isPosition(name) && name !== 'examples_per_second');
  const hasMetrics = figures.some(([name]) => name !== 'loss');
  const loss = known.get('loss');
  return {
    position,
    loss: loss === undefined ? null : toMetricValue(loss),
    examplesPerSecond: rate !== undefined && rate >= 0 && Number.isFinite(rate) ? rate : null,
    metrics: hasMetrics ? Object.fromEntries(figures.map(([name, value]) => [name, toMetricValue(value)])) : {},
  };
}

function isPosition(name: string): boolean {
  return (POSITION_NAMES as readonly string[]).includes(name);
}

/** Grouped thousands are read too: 12,345 and 12_345. */
function toNumber(text: string): number | null {
  const plain = text.trim().replaceAll(/(?<=\d)[,_](?=\d{3}\b)/g, '');
  const [, sign, word = ''] = /^([+-]?)([a-z]+)$/i.exec(plain) ?? [];
  const spelt = SPELLINGS[word.toLowerCase()];
  if (spelt !== undefined) return sign === '-' ? -spelt : spelt;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  return Number(plain);
}
