import { Flags } from '@oclif/core';

/** Every byte of a checkpoint is hashed before the API answers. */
export const VERIFY_SECONDS = 600;

/** What the API does meanwhile. */
export const VERIFICATION = 'hash every byte';

const DEFAULT_SECONDS = 15;

/** `--timeout`, which every command has. */
export function timeoutFlag({
  seconds = DEFAULT_SECONDS,
  description = 'seconds to wait for the API, retries included',
}: { readonly seconds?: number; readonly description?: string } = {}) {
  return Flags.integer({ description, default: seconds, min: 1, max: 3600, helpGroup: 'API' });
}

type Say = (line: string) => void;

/** Reports that the API accepted a call and has not answered it. `work`: what it does meanwhile, where that is known. */
export function waitNotices({
  url,
  say,
  work,
}: {
  readonly url: string;
  readonly say: Say;
  readonly work?: string | undefined;
}): (leftMs: number) => void {
  const { origin } = new URL(url);
  const awaited = work === undefined ? `an answer from ${origin}` : `${origin} to ${work}`;
  return (leftMs) => say(`still waiting for ${awaited}, for ${secondsOf(leftMs)} s more at most …`);
}

/** Between the first two notices; each further interval is twice as long. */
const FIRST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 30_000;

/** Reports retries: at first why, then at growing intervals how long they go on. `now`: milliseconds on any clock. */
export function retryNotices({ say, now = Date.now }: { readonly say: Say; readonly now?: () => number }) {
  let saidAt: number | null = null;
  let intervalMs = FIRST_INTERVAL_MS;
  return (error: Error, leftMs: number): void => {
    if (saidAt === null) say(`${error.message.split('. ')[0]}; trying again …`);
    else if (now() - saidAt < intervalMs) return;
    else {
      say(`still trying, ${secondsOf(leftMs)} s left …`);
      intervalMs = Math.min(LONGEST_INTERVAL_MS, 2 * intervalMs);
    }
    saidAt = now();
  };
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.round(ms / 1000));
}
