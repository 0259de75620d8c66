/** No more often than this, however quickly tries fail. */
const AT_MOST_EVERY_MS = 1_000;

export interface RetryNoticesOptions {
  readonly say: (line: string) => void;
  /** Milliseconds, on any clock. */
  readonly now?: () => number;
}

/** Tells of calls that are tried again: the first time why, then that it still is so and for how much longer. */
export function retryNotices({ say, now = Date.now }: RetryNoticesOptions): (error: Error, leftMs: number) => void {
  let saidAt: number | null = null;
  return (error, leftMs) => {
    if (saidAt === null) say(`${error.message.split('. ')[0]}; trying again …`);
    else if (now() - saidAt < AT_MOST_EVERY_MS) return;
    else say(`still trying, ${Math.max(1, Math.round(leftMs / 1000))} s left …`);
    saidAt = now();
  };
}
