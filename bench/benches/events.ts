import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerEvent } from '@ktrdr/contracts';
import type { Bench, BenchContext } from '../bench.js';
import { inParallel } from '../in-parallel.js';
import { type EventSource, SIMULATED_SPEC, SimulatedWorker } from '../simulated-worker.js';
import { summarize } from '../statistics.js';
import { until } from '../until.js';

const WORKERS = 60;
const OPERATIONS_EACH = 5;
/** Events a second, of all together. */
const OFFERED = 3_300;
const SECONDS = 20;
const GATHER_MS = 50;
const POOL = 'events';

/** Events that come at a steady pace, of each operation in turn, and are gathered as an outbox does. */
class SteadyEvents implements EventSource {
  readonly lags: number[] = [];
  recordedInTime = 0;
  private taken = 0;
  private readonly numbers = new Map<string, number>();
  private readonly everyMs = (1_000 * WORKERS) / OFFERED;
  private dueAt = performance.now() + Math.random() * this.everyMs;

  constructor(
    private readonly worker_id: string,
    private readonly operations: readonly string[],
    /** Of `performance.now()`; later ones do not come. */
    private readonly endAt: number,
  ) {}

  get isDone(): boolean {
    return this.dueAt > this.endAt && this.lags.length === this.taken;
  }

  async take(most: number): Promise<readonly WorkerEvent[]> {
    if ((Math.min(performance.now(), this.endAt) - this.dueAt) / this.everyMs < most) await delay(GATHER_MS);
    const events: WorkerEvent[] = [];
    const upTo = Math.min(performance.now(), this.endAt);
    for (; this.dueAt <= upTo && events.length < most; this.dueAt += this.everyMs) {
      const operation_id = this.operations[Math.floor(this.dueAt / this.everyMs) % OPERATIONS_EACH] ?? '';
      const n = (this.numbers.get(operation_id) ?? 0) + 1;
      this.numbers.set(operation_id, n);
      const body = { type: 'progress', step: n, epoch: 0, steps: 100_000, epochs: 1 } as const;
      events.push({
        ...{ n, operation_id, attempt: 1, worker_id: this.worker_id },
        at: new Date(performance.timeOrigin + this.dueAt).toISOString(),
        body: { ...body, loss: 1 / n, examples_per_second: 1_000 },
      });
    }
    this.taken += events.length;
    return events;
  }

  recorded(events: readonly WorkerEvent[]): void {
    const now = performance.timeOrigin + performance.now();
    for (const { at } of events) this.lags.push(now - Date.parse(at));
    if (performance.now() <= this.endAt) this.recordedInTime += events.length;
  }
}

async function givenWorkers({ services }: BenchContext): Promise<readonly SimulatedWorker[]> {
  const http = services.client(8);
  const submissions = Array(WORKERS * OPERATIONS_EACH).fill(0);
  await inParallel(submissions, 8, () => http.expect(201, http.post('/operations', { pool: POOL, ...SIMULATED_SPEC })));
  return Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const id = `telling-${index}`;
      const user = await services.workerUser(id, POOL);
      const [session, events] = [await services.workerSession(user), await services.workerSession(user)];
      return new SimulatedWorker(id, POOL, { session, events });
    }),
  );
}

/** How many events one replica records, and what heartbeats wait for meanwhile. */
export const events: Bench = {
  name: 'events',
  async run(context) {
    const workers = await givenWorkers(context);
    const end = new AbortController();
    const beating: Promise<void>[] = [];
    await inParallel(workers, 8, async (worker) => {
      await worker.claim(OPERATIONS_EACH);
      beating.push(worker.beat(end.signal));
    });
    const startedAt = performance.now();
    const endAt = startedAt + SECONDS * 1_000;
    const sources = workers.map(({ id, operations }) => new SteadyEvents(id, operations, endAt));
    const working = Promise.all(workers.map((worker, index) => worker.send(sources[index]!, end.signal)));
    await Promise.race([working, delay(SECONDS * 1_000)]);
    await until('every event is recorded', () => (sources.every(({ isDone }) => isDone) ? true : undefined));
    end.abort();
    await Promise.all([working, ...beating]);
    if (workers.some(({ leasesLost }) => leasesLost > 0)) throw new Error('A worker of this bench lost a lease.');
    const rate = sources.reduce((sum, { recordedInTime }) => sum + recordedInTime, 0) / SECONDS;
    const lag = summarize(sources.flatMap(({ lags }) => lags));
    const heartbeat = summarize(
      workers.flatMap(({ heartbeats }) => heartbeats.filter(({ sentAt }) => sentAt >= startedAt).map(({ ms }) => ms)),
    );
    context.say(
      `${OFFERED} events/s of ${WORKERS * OPERATIONS_EACH} operations on ${WORKERS} workers for ${SECONDS} s: ` +
        `${rate.toFixed(0)}/s recorded, lag p50 ${lag.p50.toFixed(0)} p99 ${lag.p99.toFixed(0)} ms, ` +
        `heartbeat p50 ${heartbeat.p50.toFixed(0)} p99 ${heartbeat.p99.toFixed(0)} ms`,
    );
    return [
      { figure: 'events recorded', value: rate, unit: '/s', bar: { of: 'value', is: '>=', limit: 3_000 } },
      {
        figure: 'from told to recorded, p99',
        value: lag.p99,
        unit: 'ms',
        bar: { of: 'value', is: '<=', limit: 1_000 },
      },
      {
        figure: 'heartbeat meanwhile, p99',
        value: heartbeat.p99,
        unit: 'ms',
        bar: { of: 'value', is: '<=', limit: 150 },
      },
    ];
  },
};
