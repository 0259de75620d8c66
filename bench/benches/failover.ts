import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { Operations, trainingSpec } from '../operations.js';
import type { BenchWorker } from '../services.js';
import { summarize } from '../statistics.js';
import { until } from '../until.js';

const KILLS = 20;
const WORKERS = ['failover-a', 'failover-b'];
const POOL = 'failover';
/** What a worker may take beyond the lease until another one trains. */
const BEYOND_LEASE_MS = 2_000;
/** Kills fall at every part of the time between two heartbeats, so that none of them is spared the longest wait. */
const PHASES = 10;

/** In milliseconds since just before the kill. */
type Failover = Readonly<{ freed: number; claimed: number; firstStep: number }>;

/**
 * Kills the worker that trains, with its trainer, and follows by the instants that the parts have written down: the end
 * of the lease and the claim by the database's clock, the first step of the next attempt by its worker's.
 */
async function killHolder(operations: Operations, id: string, workers: ReadonlyMap<string, BenchWorker>) {
  const { attempt, worker_id } = await operations.show(id);
  const holder = workers.get(worker_id ?? '');
  if (!holder) throw new Error(`${id} is held by nobody of this bench (${worker_id})`);
  const after = await operations.lastEvent(id);
  const killedAt = Date.now();
  await holder.kill();
  const next = { attempt: attempt + 1, after };
  const progress = await operations.firstEvent(id, 'progress', next);
  const history = await operations.history(id);
  const freed = history.find((entry) => entry.event === 'lease-expired' && entry.attempt === attempt);
  const claim = history.find((entry) => entry.event === 'claim' && entry.attempt === attempt + 1);
  if (!freed || !claim) throw new Error(`${id} trains on, but its lease did not expire`);
  const since = (instant: string): number => Date.parse(instant) - killedAt;
  const measured: Failover = { freed: since(freed.at), claimed: since(claim.at), firstStep: since(progress.at) };
  return { holder, measured };
}

/** From the death of a worker to training elsewhere, with another worker idle and warm. */
export const failover: Bench = {
  name: 'failover',
  async run({ services, say }) {
    const operations = new Operations(services.client(4));
    const workers = new Map<string, BenchWorker>();
    const start = async (id: string) => {
      const worker = await services.startWorker(POOL, id);
      workers.set(id, worker);
      return worker;
    };
    const [first] = await Promise.all(WORKERS.map(start));
    const registered = await first?.log.nth('worker registered', 1);
    const [leaseMs, heartbeatMs] = [Number(registered?.['leaseMs']), Number(registered?.['heartbeatMs'])];
    const spec = { ...trainingSpec({ hidden: [16], seed: 1 }), checkpoint: { every_seconds: 1 } };
    const id = await operations.submit(POOL, spec, { max_recoveries: KILLS });
    await operations.trained(id);
    await until(`${id} has a checkpoint`, async () =>
      (await operations.show(id)).latest_checkpoint ? true : undefined,
    );

    const failovers: Failover[] = [];
    for (let n = 1; n <= KILLS; n += 1) {
      await delay(((n % PHASES) / PHASES) * heartbeatMs);
      const { holder, measured } = await killHolder(operations, id, workers);
      failovers.push(measured);
      if (n % 5 === 0) say(`${n} of ${KILLS} kills; the last one took ${measured.firstStep} ms to training elsewhere`);
      await start(holder.id);
    }
    const { recoveries } = await operations.show(id);
    await operations.cancelled(id);
    for (const worker of workers.values()) await worker.stop();

    const of = (stage: keyof Failover) => summarize(failovers.map((each) => each[stage]));
    const [freed, claimed, firstStep] = [of('freed'), of('claimed'), of('firstStep')];
    const reference = { name: 'lease', value: leaseMs };
    const bar = { of: 'value', is: '<=', limit: leaseMs + BEYOND_LEASE_MS } as const;
    return [
      { figure: `kill to training elsewhere, p50 of ${KILLS}`, value: firstStep.p50, unit: 'ms', reference },
      { figure: `kill to training elsewhere, p95 of ${KILLS}`, value: firstStep.p95, unit: 'ms', reference, bar },
      { figure: 'kill to training elsewhere, slowest', value: firstStep.max, unit: 'ms', reference },
      { figure: 'kill to freed, p95', value: freed.p95, unit: 'ms', reference },
      { figure: 'kill to claimed, p95', value: claimed.p95, unit: 'ms', reference },
      { figure: 'recoveries', value: recoveries, unit: '', bar: { of: 'value', is: '==', limit: KILLS } },
    ];
  },
};
