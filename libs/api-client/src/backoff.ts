import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait between tries. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 250, maxMs: 2_000 };

/** Doubles from `firstMs` to `maxMs`; up to half of it is random, so that clients do not come back all at once. */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
  return full * (0.5 + Math.random() / 2);
}

/** Waits; false when the signal ended it. */
export async function wait(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
    return true;
  } catch (error) {
    if (signal?.aborted) return false;
    throw error;
  }
}
