import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { mem } from 'systeminformation';
import { readGpus } from './gpu-readings.js';
import type { MachineReading, ResourceMeter } from './pause-snapshot.js';

/** With regular observations, CPU figures are means over the last half second to one second. */
const CPU_INTERVAL_MS = 500;
/** Without earlier observations. */
const SHORT_CPU_INTERVAL_MS = 150;
/** All figures are measured at once, so a reading takes no longer than this. */
const WITHIN_MS = 450;

/** Measures the machine that this process runs on. A figure that takes too long is null. */
export class MachineMeter implements ResourceMeter {
  private older: CpuTimes | undefined;
  private newer: CpuTimes | undefined;

  constructor(
    /** For nvidia-smi: its PATH above all. */
    private readonly env: NodeJS.ProcessEnv,
    /** Monotonic milliseconds. */
    private readonly now: () => number = () => performance.now(),
    private readonly withinMs = WITHIN_MS,
  ) {}

  observe(): void {
    if (this.newer && this.now() - this.newer.at < CPU_INTERVAL_MS) return;
    this.older = this.newer;
    this.newer = cpuTimes(this.now());
  }

  async machine(): Promise<MachineReading> {
    const { env, withinMs } = this;
    const [cpu, memory, gpus] = await Promise.all([
      this.cpuPercent(),
      orNull(() => mem(), withinMs),
      orNull((signal) => readGpus(env, signal), withinMs),
    ]);
    return {
      cpu_percent: cpu,
      // Without caches, which are free for any program.
      memory_used_bytes: memory?.active ?? null,
      memory_total_bytes: memory?.total ?? null,
      gpus,
    };
  }

  /** Of all cores together; null where the system does not count. */
  private async cpuPercent(): Promise<number | null> {
    const isLongAgo = this.newer && this.now() - this.newer.at >= SHORT_CPU_INTERVAL_MS;
    const before = (isLongAgo ? this.newer : this.older) ?? cpuTimes(this.now());
    if (before.at + SHORT_CPU_INTERVAL_MS > this.now()) await delay(SHORT_CPU_INTERVAL_MS);
    const after = cpuTimes(this.now());
    const total = after.total - before.total;
    if (total <= 0) return null;
    return Math.round(1_000 * (1 - (after.idle - before.idle) / total)) / 10;
  }

  /** At once and not a moment later: the process may be about to end. */
  processMemory(pid: number): number | null {
    try {
      const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return kib === undefined ? null : Number(kib) * 1024;
    } catch {
      return null; // it is gone, or this system has no /proc
    }
  }
}

interface CpuTimes {
  readonly at: number;
  readonly idle: number;
  readonly total: number;
}

function cpuTimes(at: number): CpuTimes {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { at, idle, total };
}

/** Null when the work fails or takes too long; its signal aborts at the end. */
async function orNull<T>(work: (signal: AbortSignal) => Promise<T>, withinMs: number): Promise<T | null> {
  const ending = new AbortController();
  try {
    return await Promise.race([work(ending.signal), delay(withinMs, null, { signal: ending.signal })]);
  } catch {
    return null;
  } finally {
    ending.abort();
  }
}
