import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PartProcess } from './part-process.js';

const POLL_MS = 50;

/** The end of a log file, to show why something did not start. */
export async function tailOf(logFile: string, lines = 15): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** How to find out whether a part is ready. */
export type Readiness = Readonly<{ probe: () => Promise<void>; deadlineMs: number; signal?: AbortSignal | undefined }>;

/**
 * Tries until the probe succeeds. Otherwise the part is killed and this throws, with the last lines of its log: when it
 * ended by itself, when the deadline has passed, or when `signal` is aborted.
 */
export async function untilReady(part: PartProcess, readiness: Readiness): Promise<void> {
  try {
    await tryUntilReady(part, readiness);
  } catch (cause) {
    await part.kill();
    throw cause;
  }
}

async function tryUntilReady(part: PartProcess, { probe, deadlineMs, signal }: Readiness): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    if (part.hasExited()) {
      throw new Error(`${part.name} ended while starting. End of ${part.logFile}:\n${await tailOf(part.logFile)}`);
    }
    try {
      return await probe();
    } catch (cause) {
      if (Date.now() > deadline) {
        const seconds = Math.round(deadlineMs / 1000);
        throw new Error(
          `${part.name} did not answer within ${seconds} s. End of ${part.logFile}:\n${await tailOf(part.logFile)}`,
          { cause },
        );
      }
      await delay(POLL_MS);
    }
  }
}
