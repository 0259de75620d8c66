import type { Bench } from '../bench.js';
import type { HttpClient } from '../http-client.js';
import { Operations, trainingSpec } from '../operations.js';
import { GRAPHILE_REFERENCE, measureGraphile } from '../reference/graphile-reference.js';
import type { BenchWorker } from '../services.js';
import { summarize } from '../statistics.js';

const RESUMES = 20;
/** The sixth execution of a prepared statement is the first that PostgreSQL does not plan. */
const WARM_UPS = 6;
const DRY_RUNS = 200;
const JOBS = 100;
const JOBS_WARM_UP = 20;
const POOL = 'latency';

/** 3 × 284 + 284 × 284 + 284 weights and their biases, each with Adam's two moments, as float32: 1.0 MB. */
const HIDDEN = [284, 284];

/** One resume, in milliseconds since just before the request was sent. */
type Resume = Readonly<{ answered: number; claimed: number; restored: number; firstStep: number }>;

/**
 * Resumes and follows what happens by the instants that the parts themselves have written down: `claim` in the history
 * is the database's clock in the statement that gave the operation to the worker, `started` its clock when the worker
 * said that everything is restored, and `progress` the worker's own clock when the first step of the attempt was done.
 * All of them, and the instant of the request here, are the same clock of the same machine. Date.now() cuts to the
 * millisecond below, so the figures are up to one too long, never too short.
 */
async function resume(http: HttpClient, operations: Operations, id: string): Promise<Resume> {
  const { attempt } = await operations.show(id);
  const after = await operations.lastEvent(id);
  const sentAt = Date.now();
  const { status, ms, body } = await http.post(`/operations/${id}/resume`);
  if (status !== 202) throw new Error(`${id} is not resumed: ${status} ${JSON.stringify(body)}`);
  const next = { attempt: attempt + 1, after };
  const started = await operations.firstEvent(id, 'started', next);
  const progress = await operations.firstEvent(id, 'progress', next);
  const claim = (await operations.history(id)).find(
    (entry) => entry.event === 'claim' && entry.attempt === attempt + 1,
  );
  if (!claim) throw new Error(`${id} trains without having been claimed.`);
  const since = (instant: string): number => Date.parse(instant) - sentAt;
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

    const resumes: Resume[] = [];
    for (let n = 1 - WARM_UPS; n <= RESUMES; n += 1) {
      const measured = await resume(http, operations, id);
      await cancelAndSettle(operations, worker, id, n + WARM_UPS + 1);
      if (n < 1) continue;
      resumes.push(measured);
      if (n % 5 === 0) say(`${n} of ${RESUMES} resumes; the last one took ${measured.firstStep} ms to its first step`);
    }
    await worker.stop();
    const peer = summarize(await measureGraphile(services, { jobs: JOBS, warmUp: JOBS_WARM_UP }));

    const of = (stage: keyof Resume) => summarize(resumes.map((each) => each[stage]));
    const [answered, claimed, restored, firstStep] = [of('answered'), of('claimed'), of('restored'), of('firstStep')];
    const graphile = { name: GRAPHILE_REFERENCE, value: peer.p50 };
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
        reference: graphile,
        bar: { of: 'ratio', is: '<=', limit: 3 },
      },
      { figure: 'POST to claimed, p95', value: claimed.p95, unit: 'ms', reference: { ...graphile, value: peer.p95 } },
      { figure: 'POST to answer, p50', value: answered.p50, unit: 'ms' },
      { figure: 'POST to restored, p50', value: restored.p50, unit: 'ms' },
    ];
  },
};
