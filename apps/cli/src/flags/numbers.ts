import { UsageError } from '../errors/errors.js';

/** The number that a flag was given; its range is the API's business. @throws {UsageError} for what is none */
export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${flag} ${text} is not a number`);
  return value;
}
