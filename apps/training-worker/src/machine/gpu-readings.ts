import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
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
 * Asks nvidia-smi. Empty: it knows of no GPU. Null: there is no nvidia-smi, it failed, or it has not answered in time;
 * it is killed then.
 */
export async function readGpus(withinMs: number, env: NodeJS.ProcessEnv): Promise<GpuReading[] | null> {
  const program = await findOnPath(PROGRAM, env);
  if (!program) return null;
  // Its own group: whatever it has started ends with it.
  const child = spawn(program, QUERY, { env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code));
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), withinMs);
  });
  try {
    const code = await Promise.race([ended, late]);
    if (NONE.test(output)) return [];
    return code === 0 ? parseGpus(output) : null;
  } finally {
    clearTimeout(timer);
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    child.stdout.destroy();
    child.unref();
  }
}

/** Looked for first, because to fork a process in vain costs more than to look. */
async function findOnPath(program: string, { PATH = '' }: NodeJS.ProcessEnv): Promise<string | null> {
  for (const folder of PATH.split(delimiter).filter(Boolean)) {
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
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
