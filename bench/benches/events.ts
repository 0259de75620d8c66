import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MOST_EVENTS, type WorkerEvent } from '@ktrdr/contracts';
import { WorkerRpcClient } from '@ktrdr/messaging-nats';
import type { Bench, BenchContext } from '../bench.js';
import { summarize } from '../statistics.js';

const WORKERS = 60;
const OPERATIONS_EACH = 5;
/** Told by all together, in a second. */
const OFFERED = 3_300;
const SECONDS = 20;
const GATHER_MS = 50;
const HEARTBEAT_MS = 2_000;
const POOL = 'events';
const ASK = { timeoutMs: 10_000 };
const SPEC = { version: 1, rows: 2 };

/** What 300 operations on 60 workers tell, which do nothing else: one batch under way a worker, as its outbox has it. */
class TellingWorker {
  readonly lags: number[] = [];
  readonly heartbeats: number[] = [];
  recorded = 0;
  private readonly waiting: { readonly event: WorkerEvent; readonly toldAt: number }[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly operations: string[] = [];

  constructor(
    private readonly id: string,
    private readonly rpc: WorkerRpcClient,
    private readonly eventRpc: WorkerRpcClient,
  ) {}

  async claim(): Promise<void> {
    const capabilities = ['type:data_generation'];
    const worker = { worker_id: this.id, pool: POOL, capabilities };
    const details = { version: '0', host: 'h', pid: 1, slots: OPERATIONS_EACH, leases: [] };
    await this.rpc.call('register', { ...worker, ...details }, ASK);
    while (this.operations.length < OPERATIONS_EACH) {
      const { operation } = await this.rpc.call('claim', { ...worker, claim_id: randomUUID() }, ASK);
      if (operation) this.operations.push(operation.operation_id);
      else await delay(20);
    }
  }

  async work(end: AbortSignal): Promise<void> {
    await Promise.all([this.tell(end), this.send(end), this.beat(end)]);
  }

  private async tell(end: AbortSignal): Promise<void> {
    const everyMs = (1_000 * WORKERS) / OFFERED;
    let dueAt = performance.now() + Math.random() * everyMs;
    for (let turn = 0; !end.aborted; turn += 1) {
      await delay(Math.max(1, dueAt - performance.now()));
      for (; dueAt <= performance.now(); dueAt += everyMs) {
        const operation_id = this.operations[Math.floor(dueAt / everyMs) % OPERATIONS_EACH] ?? '';
        const n = (this.numbers.get(operation_id) ?? 0) + 1;
        this.numbers.set(operation_id, n);
        const body = { type: 'progress', step: n, epoch: 0, steps: 100_000, epochs: 1 } as const;
        const event: WorkerEvent = {
          ...{ n, operation_id, attempt: 1, worker_id: this.id, at: new Date().toISOString() },
          body: { ...body, loss: 1 / n, examples_per_second: 1_000 },
        };
        this.waiting.push({ event, toldAt: performance.now() });
      }
    }
  }

  private async send(end: AbortSignal): Promise<void> {
    while (!end.aborted || this.waiting.length > 0) {
      if (this.waiting.length < MOST_EVENTS) await delay(GATHER_MS);
      const batch = this.waiting.splice(0, MOST_EVENTS);
      if (batch.length === 0) continue;
      const request = { worker_id: this.id, events: batch.map(({ event }) => event) };
      try {
        await this.eventRpc.call('events', request, ASK);
      } catch {
        this.waiting.unshift(...batch);
        await delay(Math.random() * 1_000);
        continue;
      }
      const now = performance.now();
      for (const { toldAt } of batch) this.lags.push(now - toldAt);
      if (!end.aborted) this.recorded += batch.length;
    }
  }

  private async beat(end: AbortSignal): Promise<void> {
    const leases = this.operations.map((operation_id) => ({ operation_id, attempt: 1, moved: true }));
    await delay(Math.random() * HEARTBEAT_MS);
    while (!end.aborted) {
      const sentAt = performance.now();
      await this.rpc.call('heartbeat', { worker_id: this.id, free_slots: 0, leases }, ASK);
      this.heartbeats.push(performance.now() - sentAt);
      await delay(HEARTBEAT_MS - (performance.now() - sentAt));
    }
  }
}

async function givenWorkers({ services }: BenchContext): Promise<readonly TellingWorker[]> {
  const http = services.client(8);
  for (let n = 0; n < WORKERS * OPERATIONS_EACH; n += 1)
    await http.expect(201, http.post('/operations', { pool: POOL, type: 'data_generation', spec: SPEC }));
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const id = `telling-${index}`;
      const user = await services.workerUser(id, POOL);
      const [session, events] = [await services.workerSession(user), await services.workerSession(user)];
      return new TellingWorker(id, new WorkerRpcClient(session), new WorkerRpcClient(events));
    }),
  );
  for (const worker of workers) await worker.claim();
  return workers;
}

/** How much that workers tell one replica records, and what their heartbeats wait for meanwhile. */
export const events: Bench = {
  name: 'events',
  async run(context) {
    const workers = await givenWorkers(context);
    const end = new AbortController();
    const working = Promise.all(workers.map((worker) => worker.work(end.signal)));
    await delay(SECONDS * 1_000);
    end.abort();
    await working;
    const rate = workers.reduce((sum, { recorded }) => sum + recorded, 0) / SECONDS;
    const lag = summarize(workers.flatMap(({ lags }) => lags));
    const heartbeat = summarize(workers.flatMap(({ heartbeats }) => heartbeats));
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
