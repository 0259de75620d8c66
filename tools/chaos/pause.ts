import { setTimeout as delay } from 'node:timers/promises';

export type Pause = () => Promise<void>;

/** Waits until that moment of `performance.now()`, or until the signal is aborted. */
export async function pauseUntil(at: number, signal: AbortSignal): Promise<void> {
  const ms = at - performance.now();
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined); // aborted: that is all there is to it
}

/** Asks until there is an answer. Undefined past the deadline, or when the signal is aborted. */
export async function tryUntil<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  {
    deadlineMs,
    everyMs = 100,
    signal,
  }: { readonly deadlineMs: number; readonly everyMs?: number; readonly signal: AbortSignal },
): Promise<T | undefined> {
  const deadline = performance.now() + deadlineMs;
  while (!signal.aborted) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) return undefined;
    await pauseUntil(performance.now() + everyMs, signal);
  }
  return undefined;
}
