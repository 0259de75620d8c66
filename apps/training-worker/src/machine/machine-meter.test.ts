import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResourceSnapshot } from '@ktrdr/contracts';
import { MachineMeter } from './machine-meter.js';

const MIB = 1024 * 1024;
/** Long enough for a machine with much else to do; what hangs has the usual time. */
const PATIENT_MS = 30_000;
const now = () => performance.now();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-gpu-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The machine with this script as its nvidia-smi. */
async function withNvidiaSmi(lines: readonly string[], withinMs = PATIENT_MS): Promise<MachineMeter> {
  const file = join(folder, 'nvidia-smi');
  await writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(file, 0o755);
  return new MachineMeter({ PATH: `${folder}:/usr/bin:/bin` }, now, withinMs);
}

describe('the machine', () => {
  it('is measured: CPU, memory, and no GPU that nobody can ask for', async () => {
    const reading = await new MachineMeter({ PATH: folder }, now, PATIENT_MS).machine();
    expect(reading.cpu_percent).toBeGreaterThanOrEqual(0);
    expect(reading.cpu_percent).toBeLessThanOrEqual(100);
    expect(reading.memory_used_bytes).toBeGreaterThan(0);
    expect(reading.memory_total_bytes).toBeGreaterThan(reading.memory_used_bytes!);
    expect(reading.gpus).toBeNull();
    expect(
      ResourceSnapshot.safeParse({
        taken_at: new Date().toISOString(),
        ...reading,
        trainer_memory_bytes: null,
        trainer_gone: true,
        examples_per_second: null,
      }).error,
    ).toBeUndefined();
  });

  it('tells the CPU of the time that was observed', async () => {
    const clock = { ms: 0 };
    const meter = new MachineMeter({ PATH: folder }, () => clock.ms);
    meter.observe();
    const end = performance.now() + 60;
    while (performance.now() < end); // keeps one core busy for some ticks of the system's clock
    clock.ms += 500;
    expect((await meter.machine()).cpu_percent).toBeGreaterThan(0);
  });

  it('has the GPUs that nvidia-smi tells of, with null for what it cannot tell', async () => {
    const meter = await withNvidiaSmi([
      `echo "$@" > ${join(folder, 'asked')}`,
      'echo "NVIDIA H100 80GB HBM3, 87, 61234, 81559, 54"',
      'echo "Tesla K80, [N/A], 0, 11441, [Not Supported]"',
    ]);
    expect((await meter.machine()).gpus).toEqual([
      {
        name: 'NVIDIA H100 80GB HBM3',
        utilization_percent: 87,
        memory_used_bytes: 61_234 * MIB,
        memory_total_bytes: 81_559 * MIB,
        temperature_celsius: 54,
      },
      {
        name: 'Tesla K80',
        utilization_percent: null,
        memory_used_bytes: 0,
        memory_total_bytes: 11_441 * MIB,
        temperature_celsius: null,
      },
    ]);
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe(
      '--query-gpu=name,utilization.gpu,memory.used,memory.total,temperature.gpu --format=csv,noheader,nounits\n',
    );
  });

  it.each([
    ['none', ['echo "No devices were found"', 'exit 6'], []],
    ['none that it could name', ['exit 0'], []],
    [
      'a driver that does not answer',
      ['echo "NVIDIA-SMI has failed because it could not talk to the driver"', 'exit 9'],
      null,
    ],
    ['an answer that is no table', ['echo surprise'], null],
  ])('with %s says so', async (_, script, gpus) => {
    expect((await (await withNvidiaSmi(script)).machine()).gpus).toEqual(gpus);
  });

  it('does not wait for an nvidia-smi that hangs, and ends it with what it has started', async () => {
    const pidFile = join(folder, 'pid');
    const meter = await withNvidiaSmi([`echo $$ > ${pidFile}`, `sleep 100 & echo $! >> ${pidFile}`, 'wait'], 1_500);
    const startedAt = performance.now();
    const { gpus, cpu_percent } = await meter.machine();
    expect(performance.now() - startedAt).toBeLessThan(30_000); // it would be 100 s
    expect([gpus, cpu_percent]).toEqual([null, expect.any(Number)]);
    const pids = (await readFile(pidFile, 'utf8')).trim().split('\n');
    expect(pids).toHaveLength(2);
    const deadline = performance.now() + 5_000;
    while ((await Promise.all(pids.map(isAlive))).some(Boolean)) {
      if (performance.now() > deadline) throw new Error(`Still there: ${pids.join(', ')}`);
    }
  });
});

it('measures the memory of a process, and null for one that is gone', () => {
  const meter = new MachineMeter({});
  if (existsSync('/proc/self/status')) expect(meter.processMemory(process.pid)).toBeGreaterThan(10 * MIB);
  expect(meter.processMemory(2 ** 30)).toBeNull();
});

async function isAlive(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
