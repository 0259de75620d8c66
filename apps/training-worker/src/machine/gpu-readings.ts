import { spawn } from 'node:child_process';
import type { ResourceSnapshot } from '@ktrdr/contracts';

type GpuReading = NonNullable<ResourceSnapshot['gpus']>[number];

const PROGRAM = 'nvidia-smi';
const QUERY = [
  '--query-gpu=name,utilization.gpu,memory.used,memory.total,temperature.gpu',
  '--format=csv,noheader,nounits',
];
const MIB = 1024 * 1024;
/** What nvidia-smi says, and ends with an error, where there is a driver and no GPU. */
const NONE = /no devices were found/i;

/**
 * Asks nvidia-smi. Empty: it knows of no GPU. Null: there is no nvidia-smi, or it failed.
 * @param signal kills it, with its whole process group, when it still runs.
 */
export async function readGpus(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<GpuReading[] | null> {
  const child = spawn(PROGRAM, QUERY, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  signal.addEventListener('abort', () => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    child.stdout.destroy();
    child.unref();
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (exitCode) => resolve(exitCode));
  });
  if (NONE.test(output)) return [];
  return code === 0 ? parseGpus(output) : null;
}

/** One line a GPU: `NVIDIA H100, 87, 61234, 81559, 54`; an unknown figure is `[N/A]` or similar. */
function parseGpus(output: string): GpuReading[] | null {
  const gpus: GpuReading[] = [];
  for (const line of output.split('\n').filter((text) => text.trim())) {
    const fields = line.split(',').map((field) => field.trim());
    if (fields.length < 5) return null;
    const [utilization, used, total, temperature] = fields.splice(-4).map(toFigure);
    gpus.push({
      name: fields.join(', '),
      utilization_percent: utilization ?? null,
      memory_used_bytes: inBytes(used),
      memory_total_bytes: inBytes(total),
      temperature_celsius: temperature ?? null,
    });
  }
  return gpus;
}

function toFigure(text: string): number | null {
  const value = text === '' ? NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

function inBytes(mebibytes: number | null | undefined): number | null {
  return mebibytes === null || mebibytes === undefined ? null : mebibytes * MIB;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return; // it was never started
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself in this moment.
  }
}
