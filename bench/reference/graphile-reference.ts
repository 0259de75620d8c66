import { Logger, run } from 'graphile-worker';
import pg from 'pg';
import type { BenchServices } from '../services.js';

export const GRAPHILE_REFERENCE = 'graphile-worker add to start';

/** A worker that has nothing to do until a job is added. */
export interface GraphileWorker {
  /** Milliseconds from adding a job to the start of its task. */
  addToStart(): Promise<number>;
}

/**
 * An idle worker that is told by NOTIFY. It runs in this process: the job reaches the task without one more process to
 * wake up. It ends with the services.
 */
export async function startGraphile(services: BenchServices): Promise<GraphileWorker> {
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
  services.onClose(async () => {
    await runner.stop();
    await pool.end();
  });
  return {
    async addToStart() {
      const start = new Promise<number>((resolve) => {
        started = resolve;
      });
      const addedAt = performance.now();
      await runner.addJob('measured', { at: addedAt });
      return (await start) - addedAt;
    },
  };
}
