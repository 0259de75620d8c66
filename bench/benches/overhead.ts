import type { Bench } from '../bench.js';
import { beside } from '../beside.js';
import type { HttpClient } from '../http-client.js';
import { Operations, trainingSpec } from '../operations.js';
import { PLAIN_REFERENCE, type PlainLoop, startPlainLoop, type StepRange } from '../reference/plain-loop.js';
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

/** Rarely enough that asking does not disturb what is measured; the worker's own clock tells when it was. */
const ASK_EVERY_MS = 250;

/**
 * Which steps each round measures, the same on both sides: Adam's moments of units that have fallen silent decay to
 * subnormal numbers, with which the processor takes longer, so that a step of a training differs from its earlier ones.
 */
function stepsOfRounds(plain: PlainLoop): (round: number) => StepRange {
  const compiled = plain.trainFor(WARM_UP_SECONDS);
  const first = plain.trainFor(WARM_UP_SECONDS);
  const perSecond = (first - compiled) / WARM_UP_SECONDS;
  const [warmUp, window] = [WARM_UP_SECONDS, WINDOW_SECONDS].map((seconds) => Math.ceil(seconds * perSecond)) as [
    number,
    number,
  ];
  return (round) => {
    const to = first + (round + 1) * (warmUp + window);
    return { from: to - window, to };
  };
}

/** An operation that trains while it is measured, and is paused meanwhile. */
class SupervisedTraining {
  private constructor(
    private readonly operations: Operations,
    private readonly http: HttpClient,
    private readonly id: string,
  ) {}

  static async begun(operations: Operations, http: HttpClient, spec: unknown): Promise<SupervisedTraining> {
    const id = await operations.submit(POOL, spec);
    await operations.trained(id);
    const training = new SupervisedTraining(operations, http, id);
    await training.pause();
    return training;
  }

  /** Milliseconds a step, from the first progress that is told within these steps to the first after them. */
  async stepMs({ from, to }: StepRange): Promise<number> {
    const after = await this.operations.lastEvent(this.id);
    await this.post('resume');
    const first = await this.progressFrom(from, after);
    const last = await this.progressFrom(to, first.seq);
    await this.pause();
    if (first.step >= to) throw new Error(`${this.id} tells of step ${first.step} first: nothing of ${from}–${to}.`);
    return (last.at - first.at) / (last.step - first.step);
  }

  private async pause(): Promise<void> {
    await this.post('pause');
    await until(`${this.id} is paused`, async () => {
      const { status } = await this.operations.show(this.id);
      return status === 'paused' ? true : undefined;
    });
  }

  private async progressFrom(step: number, after: number) {
    const events = this.operations.events(this.id, after, ASK_EVERY_MS);
    for await (const { type, data, at, seq } of events) {
      const { step: reached } = data as { step?: number };
      if (type === 'progress' && reached !== undefined && reached >= step)
        return { step: reached, at: Date.parse(at), seq };
    }
    throw new Error(`${this.id} ended before step ${step}.`);
  }

  private post(action: string): Promise<unknown> {
    return this.http.expect(202, this.http.post(`/operations/${this.id}/${action}`));
  }
}

/** Time of a step under supervision, with a checkpoint every five seconds, against the plain loop on the same machine. */
export const overhead: Bench = {
  name: 'overhead',
  async run({ services, say }) {
    const http = services.client(4);
    const operations = new Operations(http);
    const worker = await services.startWorker(POOL);
    const figures = [];
    for (const { name, hidden } of MODELS) {
      const spec = { ...trainingSpec({ hidden, seed: 1 }), checkpoint: { every_seconds: 5 } };
      const training = await SupervisedTraining.begun(operations, http, spec);
      const plain = await startPlainLoop(spec, DATA_FILE);
      const stepsOf = stepsOfRounds(plain);
      const round = { own: 0, reference: 0 };
      const measured = await beside(
        {
          own: () => training.stepMs(stepsOf(round.own++)),
          reference: () => plain.stepMs(stepsOf(round.reference++)),
        },
        { rounds: ROUNDS },
      );
      plain.dispose();
      const { from } = stepsOf(0);
      const { to } = stepsOf(round.own - 1);
      say(
        `${name}: ${(1000 / measured.own).toFixed(1)} steps/s supervised, ${(1000 / measured.reference).toFixed(1)} plain, both at steps ${from} to ${to}`,
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
