import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { beside } from '../beside.js';
import { Operations, trainingSpec } from '../operations.js';
import { PLAIN_REFERENCE, startPlainLoop } from '../reference/plain-loop.js';
import { DATA_FILE } from '../training-state.js';
import { until } from '../until.js';

const POOL = 'overhead';
const WINDOW_SECONDS = 10;
/** Each attempt is a new process, whose code is compiled while it runs; the plain loop's is compiled already. */
const WARM_UP_SECONDS = 5;
const ROUNDS = 5;
/** Weights of about 0.02, 1 and 10 MB, three times that with Adam's moments. */
const MODELS = [
  { name: 'small model', hidden: [64, 64] },
  { name: 'medium model', hidden: [512, 512] },
  { name: 'large model', hidden: [1600, 1600] },
];

/** Steps a second under supervision, with a checkpoint every five seconds, against the plain loop on the same machine. */
export const overhead: Bench = {
  name: 'overhead',
  async run({ services, say }) {
    const http = services.client(4);
    const operations = new Operations(http);
    const worker = await services.startWorker(POOL);
    const figures = [];
    for (const { name, hidden } of MODELS) {
      const spec = { ...trainingSpec({ hidden, seed: 1 }), checkpoint: { every_seconds: 5 } };
      const id = await operations.submit(POOL, spec);
      await operations.trained(id);
      const post = (action: string, status: number) => http.expect(status, http.post(`/operations/${id}/${action}`));
      const pause = async () => {
        await post('pause', 202);
        await until(`${id} is paused`, async () =>
          (await operations.show(id)).status === 'paused' ? true : undefined,
        );
      };
      await pause();
      const supervised = async (): Promise<number> => {
        await post('resume', 202);
        await until(`${id} runs`, async () => ((await operations.show(id)).status === 'running' ? true : undefined));
        await delay(WARM_UP_SECONDS * 1000);
        const from = await nextProgress(operations, id, -1);
        await delay(WINDOW_SECONDS * 1000);
        const to = await nextProgress(operations, id, from.seq);
        await pause();
        return ((to.step - from.step) * 1000) / (to.at - from.at);
      };
      const plain = await startPlainLoop(spec, DATA_FILE);
      // Milliseconds a step, so that less is better as everywhere else.
      const measured = await beside(
        { own: async () => 1000 / (await supervised()), reference: () => 1000 / plain.stepsPerSecond(WINDOW_SECONDS) },
        ROUNDS,
      );
      plain.dispose();
      say(
        `${name}: ${(1000 / measured.own).toFixed(1)} steps/s supervised, ${(1000 / measured.reference).toFixed(1)} plain`,
      );
      figures.push({
        figure: `${name}, one step`,
        value: measured.own,
        unit: 'ms',
        reference: { name: PLAIN_REFERENCE, value: measured.reference },
        bar: { of: 'ratio', is: '<=', limit: 1 / 0.97 },
      } as const);
    }
    await worker.stop();
    return figures;
  },
};

/** The first progress that is told after now, by the worker's own clock. */
async function nextProgress(operations: Operations, id: string, after: number) {
  const newest = Math.max(after, await operations.lastEvent(id));
  const { attempt } = await operations.show(id);
  const event = await operations.firstEvent(id, 'progress', { attempt, after: newest });
  return { step: (event.data as { step: number }).step, at: Date.parse(event.at), seq: event.seq };
}
