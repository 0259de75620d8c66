/** Between the first two notices, however quickly tries fail; each further one takes twice as long. */
const FIRST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 30_000;

export interface RetryNoticesOptions {
  readonly say: (line: string) => void;
  /** Milliseconds, on any clock. */
  readonly now?: () => number;
}

/** Tells of calls that are tried again: the first time why, then, more and more seldom, that it still is so. */
export function retryNotices({ say, now = Date.now }: RetryNoticesOptions): (error: Error, leftMs: number) => void {
  let saidAt: number | null = null;
  let intervalMs = FIRST_INTERVAL_MS;
  return (error, leftMs) => {
    if (saidAt === null) say(`${error.message.split('. ')[0]}; trying again …`);
    else if (now() - saidAt < intervalMs) return;
    else {
      say(`still trying, ${Math.max(1, Math.round(leftMs / 1000))} s left …`);
      intervalMs = Math.min(LONGEST_INTERVAL_MS, 2 * intervalMs);
    }
    saidAt = now();
  };
}
