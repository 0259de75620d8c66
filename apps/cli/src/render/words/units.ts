const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 1344 → `1,344`. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `1 step`, `1,400 steps`. */
export function quantity(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `1st`, `2nd`, `11th`. */
export function ordinal(value: number): string {
  const isTeen = value % 100 >= 11 && value % 100 <= 13;
  const suffix = isTeen ? undefined : ['th', 'st', 'nd', 'rd'][value % 10];
  return `${count(value)}${suffix ?? 'th'}`;
}

export function position({ epoch, step }: { readonly epoch: number; readonly step: number }): string {
  return `epoch ${count(epoch)}, step ${count(step)}`;
}

/** Decimal units, three digits: `0 B`, `999 B`, `1.40 MB`, `12.3 GB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** The two largest units: `0 s`, `41 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 10 && seconds % 1 !== 0) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(Math.floor(whole / MINUTE), 'min', whole % MINUTE, 's');
  if (whole < DAY) return pair(Math.floor(whole / HOUR), 'h', Math.floor((whole % HOUR) / MINUTE), 'min');
  return pair(Math.floor(whole / DAY), 'd', Math.floor((whole % DAY) / HOUR), 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `a moment ago`, `2 minutes ago`, `in 3 hours`. */
export function age(instant: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(instant)) / 1000;
  if (!Number.isFinite(seconds)) return instant;
  const amount = largestUnit(Math.abs(seconds));
  if (amount === null) return 'a moment ago';
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

function largestUnit(seconds: number): string | null {
  if (seconds < 5) return null;
  if (seconds < MINUTE) return quantity(Math.floor(seconds), 'second');
  if (seconds < HOUR) return quantity(Math.floor(seconds / MINUTE), 'minute');
  if (seconds < DAY) return quantity(Math.floor(seconds / HOUR), 'hour');
  return quantity(Math.floor(seconds / DAY), 'day');
}

/** Rounded down, so that nothing unfinished is 100 %. */
export function percent(fraction: number): string {
  return `${Math.floor(fraction * 100 + 1e-9)} %`;
}

/** `90.0 MB of 419 MB sent (21 %)`. */
export function transferred({
  bytes,
  totalBytes,
  done,
}: {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly done: string;
}): string {
  const share = totalBytes === 0 ? '' : ` (${percent(bytes / totalBytes)})`;
  return `${size(bytes)} of ${size(totalBytes)} ${done}${share}`;
}

/** A metric: four significant digits; what is no number is shown as it came (`NaN`, `Infinity`). */
export function figure(value: unknown): string {
  if (typeof value !== 'number') return String(value ?? '–');
  if (!Number.isFinite(value) || Number.isInteger(value)) return value.toLocaleString('en-US').replace('∞', 'Infinity');
  const magnitude = Math.abs(value);
  if (magnitude < 1e-4) return value.toExponential(3);
  return magnitude >= 1000 ? value.toLocaleString('en-US', { maximumFractionDigits: 1 }) : String(trimmed(value));
}

function trimmed(value: number): string {
  return Math.abs(value) < 1 ? value.toFixed(4) : value.toPrecision(5);
}

/** `loss 0.6892  val_loss 0.6911`. */
export function metricsText(metrics: Readonly<Record<string, unknown>> | null): string {
  return Object.entries(metrics ?? {})
    .map(([metric, value]) => `${metric} ${figure(value)}`)
    .join('  ');
}
