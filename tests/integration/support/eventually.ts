import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export type Eventually = Readonly<{
  /** What is waited for, as a fact: `the operation is paused`. */
  what: string;
  deadlineMs?: number;
  everyMs?: number;
}>;

type Seen = { readonly value?: unknown; readonly error?: unknown };

function describe({ value, error }: Seen): string {
  if (error !== undefined) return `last error: ${error instanceof Error ? error.message : inspect(error)}`;
  return `last seen: ${inspect(value, { depth: 6, maxStringLength: 2_000 })}`;
}

/**
 * Asks until the answer is something other than undefined, null or false, and resolves to it. An error counts as no.
 * Past the deadline it throws, saying what was waited for and what was seen last.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 60_000, everyMs = 20 }: Eventually,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    let seen: Seen;
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      seen = { value };
    } catch (error) {
      seen = { error };
    }
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}; ${describe(seen)}`);
    await delay(everyMs);
  }
}

/** Asks until the answer passes the check, and resolves to it; past the deadline the last answer is in the error. */
export async function eventuallySeen<T>(
  ask: () => T | Promise<T>,
  check: (value: T) => boolean,
  options: Eventually,
): Promise<T> {
  let last: T | undefined;
  try {
    const found = await eventually(async () => {
      last = await ask();
      return check(last) ? { value: last } : undefined;
    }, options);
    return found.value;
  } catch (error) {
    throw new Error(`${(error as Error).message.split('; last seen')[0]}; ${describe({ value: last })}`, {
      cause: error,
    });
  }
}
