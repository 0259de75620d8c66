import { setTimeout as delay } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { WorkerEvent } from '@ktrdr/contracts';
import type { NatsSession } from '@ktrdr/messaging-nats';
import type { Bench, BenchContext } from '../bench.js';
import { inParallel } from '../in-parallel.js';
import { memoryMib, peakMemoryMib } from '../process-usage.js';
import { type EventSource, sharedBy, SIMULATED_SPEC, SimulatedWorker } from '../simulated-worker.js';
import { summarize } from '../statistics.js';

/** All workers; a third of them comes back from an outage before the others come. */
const WORKERS = Number(process.env['KTRDR_BENCH_WORKERS'] ?? 3_000);
const RETURNING = Math.ceil(WORKERS / 3);
const POOL = 'fleet';
/** Workers share connections: a connection for each would measure this program, which has the same two cores. */
const CONNECTIONS = 16;
const AT_ONCE = 16;
const REST_MS = 5_000;
/** Longer than a lease. */
const AWAY_MS = 10_000;
const BACK_MS = 30_000;
const BEATING_MS = 40_000;

/** An outbox that never runs empty. */
class FullOutbox implements EventSource {
  recordedEvents = 0;
  private n = 0;

  constructor(
    private readonly worker_id: string,
    private readonly operation_id: string,
  ) {}

  async take(most: number): Promise<readonly WorkerEvent[]> {
    const told = { operation_id: this.operation_id, attempt: 1, worker_id: this.worker_id };
    return Array.from({ length: most }, () => {
      this.n += 1;
      const body = { type: 'progress', step: this.n, epoch: 0, steps: 1_000_000, epochs: 1 } as const;
      const at = new Date().toISOString();
      return { n: this.n, ...told, at, body: { ...body, loss: 1 / this.n, examples_per_second: 1_000 } };
    });
  }

  recorded(events: readonly WorkerEvent[]): void {
    this.recordedEvents += events.length;
  }
}

class Fleet {
  readonly workers: SimulatedWorker[] = [];
  private readonly end = new AbortController();
  private readonly running: Promise<void>[] = [];
  private sessions: readonly NatsSession[] = [];
  private eventSessions: readonly NatsSession[] = [];

  constructor(private readonly context: BenchContext) {}

  async open(): Promise<void> {
    const connections = () =>
      Promise.all(Array.from({ length: CONNECTIONS }, () => this.context.services.sessionOfAnyWorker()));
    [this.sessions, this.eventSessions] = [await connections(), await connections()];
  }

  /** Adds workers until there are `count`; each holds one operation and sends heartbeats from its claim on. */
  async growTo(count: number): Promise<void> {
    const { services } = this.context;
    const http = services.client(AT_ONCE);
    const more = Array.from({ length: count - this.workers.length }, (_, index) => this.workers.length + index);
    await inParallel(more, AT_ONCE, () =>
      http.expect(201, http.post('/operations', { pool: POOL, ...SIMULATED_SPEC })),
    );
    await inParallel(more, AT_ONCE, async (index) => {
      const id = `fleet-${index}`;
      const user = await services.workerUser(id, POOL);
      const own = (sessions: readonly NatsSession[]) => sharedBy(user, sessions[index % CONNECTIONS]!);
      const sessions = { session: own(this.sessions), events: own(this.eventSessions) };
      const worker = new SimulatedWorker(id, POOL, sessions);
      await worker.claim(1);
      this.workers.push(worker);
      this.running.push(worker.beat(this.end.signal));
    });
  }

  /** Heartbeats of all workers that were sent since then, answered or given up. */
  since(startedAt: number) {
    const sent = this.workers.flatMap(({ heartbeats }) => heartbeats).filter(({ sentAt }) => sentAt >= startedAt);
    return {
      sent: sent.length,
      answered: sent.filter(({ isAnswered }) => isAnswered).length,
      ms: sent.map(({ ms }) => ms),
    };
  }

  async close(): Promise<void> {
    this.end.abort();
    await Promise.all(this.running);
  }
}

const LEASES_KEPT = { unit: '', bar: { of: 'value', is: '==', limit: 0 } } as const;

/** All come back at once with full outboxes, after an outage that was longer than their leases. */
async function comeBack({ services, say }: BenchContext, fleet: Fleet, restMib: number) {
  const end = new AbortController();
  const memory = peakMemoryMib(services.apiPid, end.signal);
  const expiredBefore = await services.metric('ktrdr_lease_expiries_total');
  await services.replaceNats(AWAY_MS);
  const lag = monitorEventLoopDelay();
  lag.enable();
  const backAt = performance.now();
  const outboxes = fleet.workers.map(({ operations: [id = ''] }, index) => new FullOutbox(`fleet-${index}`, id));
  const sending = Promise.all(fleet.workers.map((worker, index) => worker.send(outboxes[index]!, end.signal)));
  await delay(BACK_MS);
  end.abort();
  await sending;
  const peakMib = await memory;
  const heartbeats = fleet.since(backAt);
  const { p50, p99 } = summarize(heartbeats.ms);
  const recorded = outboxes.reduce((sum, { recordedEvents }) => sum + recordedEvents, 0) / (BACK_MS / 1_000);
  say(
    `${fleet.workers.length} workers back after ${AWAY_MS / 1_000} s, for ${BACK_MS / 1_000} s: ` +
      `${heartbeats.answered} of ${heartbeats.sent} heartbeats answered, p50 ${p50.toFixed(0)} p99 ${p99.toFixed(0)} ms, ` +
      `${recorded.toFixed(0)} events/s recorded, API ${restMib.toFixed(0)} MiB at rest and ${peakMib.toFixed(0)} at most; ` +
      `this program answers itself after ${(lag.percentile(99) / 1e6).toFixed(0)} ms (p99)`,
  );
  const lost = (await services.metric('ktrdr_lease_expiries_total')) - expiredBefore;
  return [
    { figure: 'heartbeat after an outage, p99', value: p99, unit: 'ms', bar: { of: 'value', is: '<=', limit: 500 } },
    { figure: 'leases lost after an outage', value: lost, ...LEASES_KEPT },
    {
      figure: 'memory of the API, above rest',
      value: peakMib - restMib,
      unit: 'MiB',
      bar: { of: 'value', is: '<=', limit: 400 },
    },
  ] as const;
}

/** More heartbeats than one replica answers. */
async function overload({ services, say }: BenchContext, fleet: Fleet) {
  const names = ['ktrdr_lease_expiries_total', 'ktrdr_worker_requests_dropped_total'] as const;
  const read = () => Promise.all(names.map((name) => services.metric(name)));
  const [expiredBefore = 0, droppedBefore = 0] = await read();
  const startedAt = performance.now();
  await delay(BEATING_MS);
  const { sent, answered, ms } = fleet.since(startedAt);
  const [expired = 0, dropped = 0] = await read();
  const rate = answered / (BEATING_MS / 1_000);
  const { p50, p99 } = summarize(ms);
  say(
    `${fleet.workers.length} workers for ${BEATING_MS / 1_000} s: ${sent} heartbeats sent, ${answered} answered in time, ` +
      `${dropped - droppedBefore} dropped unread, p50 ${p50.toFixed(0)} p99 ${p99.toFixed(0)} ms`,
  );
  return [
    { figure: 'heartbeats answered in time', value: rate, unit: '/s', bar: { of: 'value', is: '>=', limit: 600 } },
    { figure: 'leases that ran out meanwhile', value: expired - expiredBefore, ...LEASES_KEPT },
  ] as const;
}

/** Many workers on one replica. Simulated are their programs; keys, requests, NATS, API and PostgreSQL are real. */
export const fleet: Bench = {
  name: 'fleet',
  async run(context) {
    const { services, say } = context;
    await delay(REST_MS);
    const restMib = await memoryMib(services.apiPid);
    const workers = new Fleet(context);
    await workers.open();
    try {
      await workers.growTo(RETURNING);
      say(`${RETURNING} workers hold an operation each`);
      const back = await comeBack(context, workers, restMib);
      await workers.growTo(WORKERS);
      say(`${WORKERS} workers hold an operation each`);
      return [...back, ...(await overload(context, workers))];
    } finally {
      await workers.close();
    }
  },
};
