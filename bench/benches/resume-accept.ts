import type { Bench, BenchContext } from '../bench.js';
import type { HttpClient } from '../http-client.js';
import { Operations, trainingSpec } from '../operations.js';
import { FASTIFY_REFERENCE, startFastifyReference } from '../reference/fastify-reference.js';
import { summarize } from '../statistics.js';

const CLIENTS = 16;
const OPERATIONS = 32;
const ROUNDS = 25;
const WARM_UP_ROUNDS = 3;
const POOL = 'accept';

/** Each of the clients takes the next operation as soon as its last one is answered. */
async function inTurn(ids: readonly string[], act: (id: string) => Promise<void>): Promise<void> {
  const waiting = [...ids];
  const client = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await act(id);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Resumes each once; milliseconds of each answer. */
async function resumeAll(client: HttpClient, ids: readonly string[]): Promise<readonly number[]> {
  const samples: number[] = [];
  await inTurn(ids, async (id) => {
    const { status, ms, body } = await client.post(`/operations/${id}/resume`);
    if (status !== 202) throw new Error(`${id} is not resumed: ${status} ${JSON.stringify(body)}`);
    samples.push(ms);
  });
  return samples;
}

/** Operations that a real worker has trained and saved; the worker is gone, so that nobody claims them. */
async function cancelledOperations({ services, say }: BenchContext, operations: Operations) {
  const worker = await services.startWorker(POOL);
  const ids: string[] = [];
  for (let seed = 1; seed <= OPERATIONS; seed += 1) {
    const id = await operations.submit(POOL, trainingSpec({ hidden: [16], seed }));
    await operations.trained(id);
    await operations.cancelled(id);
    ids.push(id);
    if (seed % 8 === 0) say(`${seed} of ${OPERATIONS} operations trained and cancelled`);
  }
  await worker.stop();
  return ids;
}

/** What accepting a resume costs: token, checkpoint found and verified, transition, history, event, outbox, position. */
export const resumeAccept: Bench = {
  name: 'resume-accept',
  async run(context) {
    const { services, say } = context;
    const client = services.client(CLIENTS);
    const operations = new Operations(client);
    const ids = await cancelledOperations(context, operations);
    const reference = await startFastifyReference(services, OPERATIONS);
    const peer = reference.client(CLIENTS);

    const own: number[] = [];
    const bare: number[] = [];
    for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round += 1) {
      const samples = await resumeAll(client, ids);
      await inTurn(ids, async (id) => void (await operations.cancelled(id)));
      const beside = await resumeAll(peer, reference.ids);
      await reference.reset();
      if (round < 1) continue;
      own.push(...samples);
      bare.push(...beside);
    }
    peer.close();
    await reference.close();
    say(`${own.length} resumes by ${CLIENTS} clients`);

    const [mine, theirs] = [summarize(own), summarize(bare)];
    const against = (value: number) => ({ name: FASTIFY_REFERENCE, value });
    const atMost = (limit: number) => ({ of: 'ratio', is: '<=', limit }) as const;
    return [
      { figure: 'answer p50', value: mine.p50, unit: 'ms', reference: against(theirs.p50), bar: atMost(2) },
      { figure: 'answer p99', value: mine.p99, unit: 'ms', reference: against(theirs.p99), bar: atMost(3) },
    ];
  },
};
