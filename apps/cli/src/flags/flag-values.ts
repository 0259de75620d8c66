import type { SubmitBody } from '@ktrdr/contracts';
import { STALL_POLICIES } from '@ktrdr/operations/model';
import { Flags } from '@oclif/core';
import { UsageError } from '../errors/errors.js';

const DAYS_IN: Readonly<Record<string, number>> = { h: 1 / 24, d: 1, w: 7 };
const SECONDS_IN: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600, d: 86_400 };
const BYTES_IN: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `30d`, `12h`, `2w`, as days. `m` is refused: minutes for some, and months for others. @throws {UsageError} */
export function parseDays(flag: string, text: string): number {
  if (/\dm$/i.test(text.replaceAll(/\s/g, ''))) {
    throw new UsageError(`--${flag} ${text} could mean minutes or months. Give hours, days or weeks: 12h, 30d or 8w`);
  }
  return parseAmount(flag, text, DAYS_IN, 'a time such as 30d, 12h or 2w');
}

/** `30min`, `1h`, `2d`, as whole seconds. @throws {UsageError} */
export function parseSeconds(flag: string, text: string): number {
  return Math.round(parseAmount(flag, text, SECONDS_IN, 'a time such as 30min, 1h or 2d'));
}

/** `10GB`, `500MiB`, `1000000`, as bytes: decimal units, or binary ones with an i. @throws {UsageError} */
export function parseBytes(flag: string, text: string): number {
  const amount = /^[\d.]+$/.test(text) ? `${text}b` : text;
  return Math.floor(parseAmount(flag, amount, BYTES_IN, 'a size such as 10GB or 500MiB'));
}

function parseAmount(flag: string, text: string, units: Readonly<Record<string, number>>, form: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (factor === undefined) throw new UsageError(`--${flag} ${text} is not ${form}`);
  return Number(amount) * factor;
}

/** Any number; the API checks its range. @throws {UsageError} */
export function parseNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${flag} ${text} is not a number`);
  return value;
}

type Given<T> = { [Field in keyof T]?: Exclude<T[Field], undefined> };

/** Only the fields that were given. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

export const watchFlag = Flags.boolean({ char: 'w', description: 'stay and show the progress; Ctrl+C detaches' });

/** `--label`, more than once if needed. */
export function labelFlag(description: string, bulk: { helpGroup?: string; dependsOn?: string[] } = {}) {
  const several = { multiple: true, multipleNonGreedy: true } as const;
  return Flags.string({
    description: `${description}, more than once if needed`,
    helpValue: 'KEY=VALUE',
    ...several,
    ...bulk,
  });
}

/** `KEY=VALUE` as often as given; a later one wins. @throws {UsageError} */
export function parseLabels(labels: readonly string[]): Record<string, string> {
  const pairs = labels.map((label) => {
    const at = label.indexOf('=');
    if (at < 1) throw new UsageError(`--label ${label} is not KEY=VALUE`);
    return [label.slice(0, at), label.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** `600`, `600:pause` or `off`. @throws {UsageError} */
export function parseWatchdog(text: string): SubmitBody['watchdog'] {
  if (text === 'off') return null;
  const [, seconds, policy] = /^(\d+(?:\.\d+)?)(?::(\w+))?$/.exec(text) ?? [];
  const onStall = STALL_POLICIES.find((candidate) => candidate === (policy ?? 'warn'));
  if (seconds === undefined || !onStall) {
    throw new UsageError(`--watchdog ${text} is not SECONDS[:${STALL_POLICIES.join('|')}] or off`);
  }
  return { seconds: Number(seconds), on_stall: onStall };
}
