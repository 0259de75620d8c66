import { Logger, run } from 'graphile-worker';
import pg from 'pg';
import type { BenchServices } from '../services.js';

export const GRAPHILE_REFERENCE = 'graphile-worker add to start';

/**
 * Milliseconds from adding a job to the start of its task, one at a time on an idle worker that is told by NOTIFY. It
 * runs in this process: the job reaches the task without one more process to wake up.
 */
export async function measureGraphile(
  services: BenchServices,
  { jobs, warmUp }: Readonly<{ jobs: number; warmUp: number }>,
): Promise<readonly number[]> {
  const pool = new pg.Pool({ connectionString: await services.newDatabase('graphile_reference'), max: 10 });
  // The server goes first when a run is interrupted.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  let started: (at: number) => void = () => undefined;
  const runner = await run({
    pgPool: pool,
    concurrency: 1,
    noHandleSignals: true,
    logger: new Logger(() => () => undefined),
    taskList: { measured: () => started(performance.now()) },
  });
  const samples: number[] = [];
  try {
    for (let n = 0; n < warmUp + jobs; n += 1) {
      const start = new Promise<number>((resolve) => {
        started = resolve;
      });
      const addedAt = performance.now();
      await runner.addJob('measured', { n });
      const ms = (await start) - addedAt;
      if (n >= warmUp) samples.push(ms);
    }
  } finally {
    await runner.stop();
    await pool.end();
  }
  return samples;
}
