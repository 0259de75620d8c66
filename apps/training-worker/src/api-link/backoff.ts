import { setTimeout as delay } from 'node:timers/promises';

interface BackoffRange {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Waiting times that double, each shortened by up to a quarter so that many workers do not come at once. */
export class Backoff {
  private nextMs: number;

  constructor(private readonly range: BackoffRange) {
    this.nextMs = range.firstMs;
  }

  reset(): void {
    this.nextMs = this.range.firstMs;
  }

  /** Settles early, without throwing, when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.nextMs * (1 - Math.random() / 4);
    this.nextMs = Math.min(this.nextMs * 2, this.range.lastMs);
    await sleep(ms, signal);
  }
}

/**
 * Repeats an action until it succeeds.
 * @param onError throws when another try is useless. @throws the signal's reason when it aborts first.
 */
export async function retry<T>(
  action: () => Promise<T>,
  options: {
    readonly range: BackoffRange;
    readonly signal: AbortSignal;
    readonly onError: (error: unknown, tries: number) => void;
  },
): Promise<T> {
  const { range, signal, onError } = options;
  const backoff = new Backoff(range);
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      onError(error, tries);
    }
    await backoff.wait(signal);
  }
}

/** Settles after the time or when the signal aborts, whichever is first. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
