import { Logger, run, type Runner } from 'graphile-worker';
import pg from 'pg';
import type { BenchServices } from '../services.js';

export const GRAPHILE_REFERENCE = 'graphile-worker add to start';
export const GRAPHILE_DRAIN = 'graphile-worker add and drain';

/** A worker that has nothing to do until a job is added. */
export interface GraphileWorker {
  /** Milliseconds from adding a job to the start of its task. */
  addToStart(): Promise<number>;
}

/** A worker that drains what is added to it. */
export interface GraphileDrain {
  add(): Promise<unknown>;
  /** Resolves when so many more jobs have been done. */
  drained(count: number): Promise<void>;
}

interface Settings {
  /** Each its own: one that runs already would take the jobs of the next. */
  readonly database: string;
  readonly concurrency: number;
}

/** It runs in this process, on an empty database of the same server, and ends with the services. */
async function startRunner(
  services: BenchServices,
  { database, concurrency }: Settings,
  task: () => void,
): Promise<Runner> {
  const pool = new pg.Pool({
    connectionString: await services.newDatabase(database),
    max: 10 + concurrency,
  });
  // The server goes first when a run is interrupted.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const runner = await run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    logger: new Logger(() => () => undefined),
    taskList: { measured: task },
  });
  services.onClose(async () => {
    await runner.stop();
    await pool.end();
  });
  return runner;
}

/** An idle worker that is told by NOTIFY: the job reaches the task without one more process to wake up. */
export async function startGraphile(services: BenchServices): Promise<GraphileWorker> {
  let started: (at: number) => void = () => undefined;
  const runner = await startRunner(services, { database: 'graphile_latency', concurrency: 1 }, () =>
    started(performance.now()),
  );
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

export async function startGraphileDrain(services: BenchServices, concurrency: number): Promise<GraphileDrain> {
  let done = 0;
  let onDone: () => void = () => undefined;
  const runner = await startRunner(services, { database: `graphile_drain_${concurrency}`, concurrency }, () => {
    done += 1;
    onDone();
  });
  return {
    add: () => runner.addJob('measured', {}),
    drained(count) {
      const goal = done + count;
      return new Promise((resolve) => {
        onDone = () => done >= goal && resolve();
      });
    },
  };
}
