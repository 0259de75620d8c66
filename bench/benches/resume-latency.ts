import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import type { HttpClient } from '../http-client.js';
import { Operations, trainingSpec } from '../operations.js';
import { GRAPHILE_REFERENCE, type GraphileWorker, startGraphile } from '../reference/graphile-reference.js';
import type { BenchWorker } from '../services.js';
import { summarize } from '../statistics.js';

const RESUMES = 20;
/** The sixth execution of a prepared statement is the first that PostgreSQL does not plan. */
const WARM_UPS = 6;
const DRY_RUNS = 200;
const JOBS_BACK_TO_BACK = 100;
const JOBS_WARM_UP = 20;
const POOL = 'latency';
const HALF_A_MILLISECOND = 0.5;

/** 3 × 284 + 284 × 284 + 284 weights and their biases, each with Adam's two moments, as float32: 1.0 MB. */
const HIDDEN = [284, 284];

/** One resume, in milliseconds since just before the request was sent. */
type Resume = Readonly<{ answered: number; claimed: number; restored: number; firstStep: number }>;

/**
 * Resumes and follows what happens by the instants that the parts themselves have written down: `claim` in the history
 * is the database's clock in the statement that gave the operation to the worker, `started` its clock when the worker
 * said that everything is restored, and `progress` the worker's own clock when the first step of the attempt was done.
 * All of them, and the instant of the request here, are the same clock of the same machine. Theirs are cut to the
 * millisecond below, which is half a millisecond too short on average: that half is added here.
 */
async function resume(http: HttpClient, operations: Operations, id: string): Promise<Resume> {
  const { attempt } = await operations.show(id);
  const after = await operations.lastEvent(id);
  const sentAt = performance.timeOrigin + performance.now();
  const { status, ms, body } = await http.post(`/operations/${id}/resume`);
  if (status !== 202) throw new Error(`${id} is not resumed: ${status} ${JSON.stringify(body)}`);
  const next = { attempt: attempt + 1, after };
  const started = await operations.firstEvent(id, 'started', next);
  const progress = await operations.firstEvent(id, 'progress', next);
  const claim = (await operations.history(id)).find(
    (entry) => entry.event === 'claim' && entry.attempt === attempt + 1,
  );
  if (!claim) throw new Error(`${id} trains without having been claimed.`);
  const since = (instant: string): number => Date.parse(instant) + HALF_A_MILLISECOND - sentAt;
  return { answered: ms, claimed: since(claim.at), restored: since(started.at), firstStep: since(progress.at) };
}

/** The API has just started; what is measured is one that has been answering for a while. */
async function warmUpApi(http: HttpClient, operations: Operations, id: string): Promise<void> {
  for (let n = 0; n < DRY_RUNS; n += 1) {
    const { status } = await http.post(`/operations/${id}/resume`, { dry_run: true });
    if (status !== 202) throw new Error(`A dry run answers ${status}.`);
    await operations.show(id);
  }
}

/** Cancels and waits until the worker is idle again, with a trainer that is up. `n`: how many attempts have ended. */
async function cancelAndSettle(operations: Operations, worker: BenchWorker, id: string, n: number): Promise<void> {
  await worker.log.nth('trainer ready', n + 1);
  await operations.cancelled(id);
  await worker.log.nth('operation left', n);
}

/**
 * What is idle for a moment answers later than what is kept busy, here and there. So each resume is measured beside one
 * job of the reference at the same cadence: both have had nothing to do for this long.
 */
const idle = () => pause(100);

/** From the request to the first training step, on a worker that is idle and warm. */
export const resumeLatency: Bench = {
  name: 'resume-latency',
  async run({ services, say }) {
    const http = services.client(4);
    const operations = new Operations(http);
    const worker = await services.startWorker(POOL);
    const id = await operations.submit(POOL, trainingSpec({ hidden: HIDDEN, seed: 1 }));
    await operations.trained(id);
    await cancelAndSettle(operations, worker, id, 1);
    await warmUpApi(http, operations, id);
    const peer = await startGraphile(services);
    const backToBack = await jobsBackToBack(peer);

    const resumes: Resume[] = [];
    const jobs: number[] = [];
    for (let n = 1 - WARM_UPS; n <= RESUMES; n += 1) {
      await idle();
      const job = await peer.addToStart();
      await idle();
      const measured = await resume(http, operations, id);
      await cancelAndSettle(operations, worker, id, n + WARM_UPS + 1);
      if (n < 1) continue;
      resumes.push(measured);
      jobs.push(job);
      if (n % 5 === 0)
        say(`${n} of ${RESUMES} resumes; the last one took ${measured.firstStep.toFixed(0)} ms to its first step`);
    }
    await worker.stop();

    const of = (stage: keyof Resume) => summarize(resumes.map((each) => each[stage]));
    const [answered, claimed, restored, firstStep] = [of('answered'), of('claimed'), of('restored'), of('firstStep')];
    const started = summarize(jobs);
    return [
      {
        figure: 'POST to first step, p50',
        value: firstStep.p50,
        unit: 'ms',
        bar: { of: 'value', is: '<=', limit: 250 },
      },
      { figure: 'POST to first step, slowest', value: firstStep.max, unit: 'ms' },
      {
        figure: 'POST to claimed, p50',
        value: claimed.p50,
        unit: 'ms',
        reference: { name: GRAPHILE_REFERENCE, value: started.p50 },
        bar: { of: 'ratio', is: '<=', limit: 3 },
      },
      {
        figure: 'POST to claimed, p95',
        value: claimed.p95,
        unit: 'ms',
        reference: { name: GRAPHILE_REFERENCE, value: started.p95 },
      },
      { figure: 'POST to answer, p50', value: answered.p50, unit: 'ms' },
      { figure: 'POST to restored, p50', value: restored.p50, unit: 'ms' },
      { figure: `${GRAPHILE_REFERENCE}, back to back, p50`, value: backToBack.p50, unit: 'ms' },
    ];
  },
};

/** One after the other without a pause, which nothing else here is measured at: for comparison with other figures of it. */
async function jobsBackToBack(peer: GraphileWorker) {
  const samples: number[] = [];
  for (let n = 0; n < JOBS_WARM_UP + JOBS_BACK_TO_BACK; n += 1) samples.push(await peer.addToStart());
  return summarize(samples.slice(JOBS_WARM_UP));
}
