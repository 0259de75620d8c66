import type { Bench, BenchContext } from '../bench.js';
import { type Answer, type HttpClient } from '../http-client.js';
import { Operations, trainingSpec } from '../operations.js';
import { FASTIFY_REFERENCE, startFastifyReference } from '../reference/fastify-reference.js';
import { furthestFrom, summarize } from '../statistics.js';

const CLIENTS = 200;
const ROUNDS = 20;
const WARM_UP_ROUNDS = 3;
const POOL = 'race';

type Round = Readonly<{ answers: readonly Answer[]; resumes: number }>;

/** Everybody at once, each on a connection of his own. */
function burst(client: HttpClient, id: string): Promise<readonly Answer[]> {
  return Promise.all(Array.from({ length: CLIENTS }, () => client.post(`/operations/${id}/resume`)));
}

const numberOf = (status: number, { answers }: Round): number =>
  answers.filter((answer) => answer.status === status).length;

/** An operation that a real worker has trained and saved; the worker is gone, so that nobody claims it. */
async function cancelledOperation({ services, say }: BenchContext, operations: Operations): Promise<string> {
  const worker = await services.startWorker(POOL);
  const id = await operations.submit(POOL, trainingSpec({ hidden: [16], seed: 1 }));
  await operations.trained(id);
  const { latest_checkpoint } = await operations.cancelled(id);
  if (latest_checkpoint === null) throw new Error(`${id} was cancelled without a checkpoint.`);
  await worker.stop();
  say(`${id} is cancelled at step ${latest_checkpoint.step}, its worker stopped`);
  return id;
}

async function resumesOf(operations: Operations, id: string): Promise<number> {
  return (await operations.history(id)).filter(({ event }) => event === 'resume').length;
}

/** N concurrent resumes of one operation: one winner, told to everybody soon, and no trace of the losers. */
export const resumeRace: Bench = {
  name: 'resume-race',
  async run(context) {
    const { services, say } = context;
    const client = services.client(CLIENTS);
    const operations = new Operations(client);
    const id = await cancelledOperation(context, operations);
    const reference = await startFastifyReference(services, 1);
    const peer = reference.client(CLIENTS);
    const [peerId = ''] = reference.ids;

    const rounds: Round[] = [];
    const beside: Answer[] = [];
    for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round += 1) {
      const before = await resumesOf(operations, id);
      const answers = await burst(client, id);
      const resumes = (await resumesOf(operations, id)) - before;
      await operations.cancelled(id);
      const peerAnswers = await burst(peer, peerId);
      await reference.reset();
      if (round < 1) continue; // connections and code are warm after these
      rounds.push({ answers, resumes });
      beside.push(...peerAnswers);
    }
    peer.close();
    await reference.close();
    say(`${ROUNDS} rounds of ${CLIENTS}`);

    const own = summarize(rounds.flatMap(({ answers }) => answers.map(({ ms }) => ms)));
    const bare = summarize(beside.map(({ ms }) => ms));
    const against = (value: number) => ({ name: FASTIFY_REFERENCE, value });
    const worst = (expected: number, count: (round: Round) => number) => ({
      value: furthestFrom(expected, rounds.map(count)),
      unit: '',
      bar: { of: 'value', is: '==', limit: expected } as const,
    });
    return [
      { figure: 'rounds', ...worst(ROUNDS, () => rounds.length) },
      { figure: '202 a round, worst', ...worst(1, (round) => numberOf(202, round)) },
      { figure: '409 a round, worst', ...worst(CLIENTS - 1, (round) => numberOf(409, round)) },
      { figure: 'transitions recorded a round, worst', ...worst(1, ({ resumes }) => resumes) },
      {
        figure: 'slowest answer',
        value: own.max,
        unit: 'ms',
        reference: against(bare.max),
        bar: { of: 'value', is: '<=', limit: 1000 },
      },
      { figure: 'answer p50', value: own.p50, unit: 'ms', reference: against(bare.p50) },
      { figure: 'answer p99', value: own.p99, unit: 'ms', reference: against(bare.p99) },
    ];
  },
};
