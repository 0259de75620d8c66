import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 10;

/** Asks until there is an answer; past the deadline it throws, saying what was waited for. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 180_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}.`);
    await delay(EVERY_MS);
  }
}
