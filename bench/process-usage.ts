import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Of the clock of proc(5): USER_HZ is 100 on every Linux that Node.js runs on. */
const MS_A_TICK = 10;
const MIB = 1024 * 1024;

/** Processor time that a process has used since its start, in ms. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Fields 14 and 15, counted from behind the command name, which may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
}

/** Memory that a process has in RAM, in MiB. */
export async function memoryMib(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kib) * 1024) / MIB;
}

/** Follows a process until the signal aborts; the most memory that it had, in MiB. */
export async function peakMemoryMib(pid: number, end: AbortSignal): Promise<number> {
  let peak = 0;
  while (!end.aborted) {
    peak = Math.max(peak, await memoryMib(pid));
    await delay(100, undefined, { signal: end }).catch(() => undefined);
  }
  return peak;
}
