import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PartProcess } from './part-process.js';

const POLL_MS = 50;

/** The end of what a part has logged since it was started, to show why it did not. */
export async function tailOf(
  { logFile, logStart }: Pick<PartProcess, 'logFile' | 'logStart'>,
  lines = 15,
): Promise<string> {
  const bytes = await readFile(logFile).catch(() => Buffer.alloc(0));
  const text = bytes.subarray(logStart).toString('utf8').trimEnd();
  return text === '' ? '(it has logged nothing)' : text.split('\n').slice(-lines).join('\n');
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
      throw new Error(`${part.name} ended while starting. End of ${part.logFile}:\n${await tailOf(part)}`);
    }
    try {
      return await probe();
    } catch (cause) {
      if (Date.now() > deadline) {
        const seconds = Math.round(deadlineMs / 1000);
        throw new Error(
          `${part.name} did not answer within ${seconds} s. End of ${part.logFile}:\n${await tailOf(part)}`,
          { cause },
        );
      }
      await delay(POLL_MS);
    }
  }
}
