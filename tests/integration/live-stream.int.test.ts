import { join } from 'node:path';
import { SeededRandom } from '../../tools/chaos/seeded-random.js';
import { eventually, eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { StreamClient } from './support/stream-client.js';
import { trainingOver } from './support/training.js';

const CLIENTS = Number(process.env['KTRDR_STREAM_CLIENTS'] ?? 200);
const SECONDS = Number(process.env['KTRDR_STREAM_SECONDS'] ?? 6);
const SEED = process.env['KTRDR_STREAM_SEED'] ?? String(Date.now());
const OPERATIONS = 4;
/** One in so many follows everything; the others follow one operation each. */
const ALL_EVERY = 5;
/** Connections last this long on average: many break before their first message. */
const KEPT_MS = 3_000;
const COUNTING = join(import.meta.dirname, 'support/fixtures/counting-trainer.mjs');

describe('the live stream', () => {
  let services: Services;
  let apis: RunningApi[];
  const clients: StreamClient[] = [];

  beforeAll(async () => {
    services = await givenServices();
    const env = { KTRDR_LEASE_SECONDS: '30', KTRDR_HEARTBEAT_SECONDS: '1' };
    apis = await Promise.all(
      ['a', 'b'].map(async (name) => startApi(services, { env, name, token: 'one-token-for-both-replicas' })),
    );
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await services.close();
  });

  it(
    `leaves nothing out and tells nothing twice to ${CLIENTS} clients in ${SECONDS} s of random disconnects (seed ${SEED})`,
    async () => {
      const [api, other] = apis;
      if (!api || !other) throw new Error('There are two replicas');
      const http = httpOf(api);
      const training = trainingOver(http);
      const command = [
        process.execPath,
        COUNTING,
        JSON.stringify({ steps: 1_000_000, steps_per_epoch: 50, step_ms: 80 }),
      ];
      await startWorker(services, {
        api,
        id: 'w1',
        env: { KTRDR_WORKER_SLOTS: String(OPERATIONS), KTRDR_TRAINER_COMMAND: JSON.stringify(command) },
      });
      const ids = await Promise.all(
        Array.from({ length: OPERATIONS }, () => training.submit({ spec: smallSpec({ backend: 'cpu' }) })),
      );
      for (const id of ids) await training.reached(id, 2);

      for (let n = 0; n < CLIENTS; n += 1) {
        const operationId = n % ALL_EVERY === 0 ? undefined : ids[n % OPERATIONS];
        const random = new SeededRandom(SEED, `client ${n}`);
        const name = `client ${n} of ${operationId ?? 'everything'}`;
        const client = new StreamClient({
          name,
          apis: () => apis,
          random,
          keptMs: KEPT_MS,
          ...(operationId ? { operationId } : {}),
        });
        clients.push(client);
        client.open();
      }
      const began = performance.now();
      const lasted = (ms: number) =>
        eventually(() => performance.now() - began >= ms, { what: `${ms} ms are over`, deadlineMs: ms + 5_000 });

      // A pause is not the end of a stream.
      const [pausedId = ''] = ids;
      await http.post(`/operations/${pausedId}/pause`);
      expect(await training.settled(pausedId)).toMatchObject({ status: 'paused' });
      await http.post(`/operations/${pausedId}/resume`);

      // Half-way a replica is killed, with every connection that it has, and comes back.
      await lasted(SECONDS * 500);
      const port = Number(new URL(other.url).port);
      apis = [api];
      await other.kill();
      apis = [api, await startApi(services, { port, name: 'b again', token: other.token })];
      await lasted(SECONDS * 1_000);

      for (const client of clients) client.steady();
      const ends = new Map<string, number>();
      await Promise.all(ids.map((id) => training.cancelled(id)));
      const database = await services.database();
      const newest = async () => {
        const { rows } = await database.query<{ id: string; seq: number }>(
          'SELECT id, event_seq AS seq FROM operations',
        );
        return new Map(rows.map(({ id, seq }) => [id, seq]));
      };
      // The last that a worker told may arrive behind the report of its end.
      await eventuallySeen(
        async () => {
          const now = await newest();
          for (const [id, seq] of now) ends.set(id, seq);
          return clients.filter((client, n) =>
            ids.some(
              (id) => (n % ALL_EVERY === 0 || ids[n % OPERATIONS] === id) && client.newestOf(id) !== now.get(id),
            ),
          ).length;
        },
        (behind) => behind === 0,
        { what: 'every client has heard of every end', deadlineMs: 120_000 },
      );
      for (const client of clients) client.close();

      const total = (of: (client: StreamClient) => number) => clients.reduce((sum, client) => sum + of(client), 0);
      const faults = clients.flatMap((client) => client.faults);
      const of = (kind: string) => faults.filter((fault) => fault.kind === kind).length;
      const told = [...ends.values()].reduce((sum, seq) => sum + seq, 0);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stderr.write(
        `stream: ${CLIENTS} clients, ${seconds} s, ${total(({ connections }) => connections)} connections, ` +
          `${total(({ messages }) => messages)} messages of ${told} events: ${of('gap')} gaps, ${of('duplicate')} duplicates\n`,
      );
      expect(faults).toEqual([]);
      expect(total(({ connections }) => connections)).toBeGreaterThan(2 * CLIENTS);
      expect(total(({ messages }) => messages)).toBeGreaterThan(CLIENTS * SECONDS);
    },
    (SECONDS + 90) * 1000,
  );
});
