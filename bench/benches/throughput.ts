import { setTimeout as delay } from 'node:timers/promises';
import type { BulkView } from '@ktrdr/contracts';
import type { NatsSession } from '@ktrdr/messaging-nats';
import type { Bench, BenchContext } from '../bench.js';
import { beside } from '../beside.js';
import { inParallel } from '../in-parallel.js';
import { CLIENTS, countTo, graphileDrain, noOpDrain, startNoOpWorker, submitNoOps } from '../no-op-worker.js';
import { GRAPHILE_DRAIN } from '../reference/graphile-reference.js';
import { sharedBy, SimulatedWorker } from '../simulated-worker.js';
import { quantile } from '../statistics.js';

const SLOTS = [8, 100] as const;
const OPERATIONS = 1_000;
const ROUNDS = 3;
const FLEETS = [200, 1_000] as const;
const CONNECTIONS = 16;
const MOST_MS = 100;
const RATES = [100, 400, 800, 1_600, 2_400, 3_200, 4_800];
const RATE_MS = 8_000;

/** Operations a second, submitted to completed, that do nothing. */
async function drained({ services }: BenchContext, slots: number) {
  const [own, reference] = [await noOpDrain(services, slots), await graphileDrain(services, slots)];
  const perSecond = (ms: number) => 1_000 / ms;
  const measured = await beside(
    { own: () => own(OPERATIONS), reference: () => reference(OPERATIONS) },
    { rounds: ROUNDS, warmUps: 1 },
  );
  return {
    figure: `no-op operations, submitted to completed, ${slots} slots`,
    value: perSecond(measured.own),
    unit: '/s',
    reference: { name: GRAPHILE_DRAIN, value: perSecond(measured.reference) },
  };
}

/** Stopped ones that one request resumes; none has begun, so none has a checkpoint. */
async function resumedInBulk({ services }: BenchContext) {
  const pool = 'bulk';
  const http = services.client(CLIENTS);
  await submitNoOps(http, pool, OPERATIONS);
  const all = { filter: { status: ['queued'], type: 'data_generation' } };
  await http.expect(200, http.post('/operations/cancel', all));
  const { count, reached } = countTo(OPERATIONS);
  await startNoOpWorker(services, { pool, slots: 100, onClaimed: count });
  const startedAt = performance.now();
  const stopped = { filter: { status: ['cancelled'], type: 'data_generation' } };
  const answer = (await http.expect(200, http.post('/operations/resume', stopped))) as BulkView;
  const answeredMs = performance.now() - startedAt;
  if (answer.done !== OPERATIONS) throw new Error(`${answer.done} of ${OPERATIONS} operations were resumed`);
  await reached;
  return { seconds: (performance.now() - startedAt) / 1_000, answeredMs };
}

/** The highest rate tried at which one replica answers 99 of 100 heartbeats, a lease in each, within 100 ms, and all in time. */
async function heartbeatRate({ services, say }: BenchContext, count: number): Promise<number> {
  const sessions: NatsSession[] = [];
  for (let index = 0; index < CONNECTIONS; index += 1) sessions.push(await services.sessionOfAnyWorker());
  const workers: SimulatedWorker[] = [];
  const pool = `fleet-${count}`;
  await submitNoOps(services.client(CLIENTS), pool, count);
  await inParallel([...Array(count).keys()], CLIENTS, async (index) => {
    const id = `${pool}-${index}`;
    const session = sharedBy(await services.workerUser(id, pool), sessions[index % CONNECTIONS]!);
    const worker = new SimulatedWorker(id, pool, { session, events: session });
    await worker.claim(1);
    workers.push(worker);
  });
  let sustained = 0;
  for (const rate of RATES) {
    const end = new AbortController();
    const startedAt = performance.now();
    const beating = workers.map((worker) => worker.beat(end.signal, (count / rate) * 1_000));
    await delay(RATE_MS);
    end.abort();
    await Promise.all(beating);
    const beats = workers.flatMap(({ heartbeats }) => heartbeats.filter(({ sentAt }) => sentAt >= startedAt));
    const p99 = quantile(
      beats.map(({ ms }) => ms),
      0.99,
    );
    const measured = beats.length / (RATE_MS / 1_000);
    say(`${count} workers, ${measured.toFixed(0)} heartbeats/s: p99 ${p99.toFixed(0)} ms`);
    if (p99 >= MOST_MS || beats.some(({ isAnswered }) => !isAnswered)) break;
    sustained = measured;
  }
  return sustained;
}

/** How much one replica does, on which the decision about each layer for speed rests. */
export const throughput: Bench = {
  name: 'throughput',
  async run(context) {
    const drains = [];
    for (const slots of SLOTS) drains.push(await drained(context, slots));
    const bulk = await resumedInBulk(context);
    context.say(`one request resumed ${OPERATIONS} operations and was answered after ${bulk.answeredMs.toFixed(0)} ms`);
    const rates = [];
    for (const count of FLEETS)
      rates.push({
        figure: `heartbeats with p99 below ${MOST_MS} ms, ${count} workers`,
        value: await heartbeatRate(context, count),
        unit: '/s',
      });
    return [
      ...drains,
      { figure: `${OPERATIONS} resumed by one request, until all are claimed`, value: bulk.seconds, unit: 's' },
      ...rates,
    ];
  },
};
