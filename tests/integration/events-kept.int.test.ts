import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { givenServices, type Services } from './support/given-services.js';
import { httpOf } from './support/http.js';
import { NatsProcess } from './support/nats-process.js';
import { type RunningApi, startApi } from './support/processes.js';
import { WorkersOnNats } from './support/workers-on-nats.js';

/** `npm run test:slow` tells a million. */
const EVENTS = Number(process.env['KTRDR_TEST_KEPT_EVENTS'] ?? 30_000);
/** As the stack and the image start one. */
const AS_A_WORKER = ['--max-semi-space-size=16'];
const MEMORY_BYTES = 200 * 1024 * 1024;
const FEEDER = join(import.meta.dirname, 'support', 'fixtures', 'outbox-feeder.mjs');

describe('what is told while NATS is away', () => {
  let services: Services;
  let nats: NatsProcess;
  let api: RunningApi;
  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    services = { ...shared, natsUrl: nats.url };
    shared.onClose(() => nats.remove());
    api = await startApi(services, { env: { KTRDR_LEASE_SECONDS: '3600' } });
  });
  afterAll(() => services.close());

  it(`is recorded when it is back, all of ${EVENTS} events, by a worker that needs little memory for it`, async () => {
    const http = httpOf(api);
    const { body } = await http.post('/operations', { type: 'data_generation', spec: { version: 1, rows: 2 } });
    const operation_id = body['operation_id'] as string;
    const { key, jwt, session, rpc } = await new WorkersOnNats(services, api).of('w1');
    const lease = { operation_id, attempt: 1, worker_id: 'w1' };
    const claim = { worker_id: 'w1', claim_id: randomUUID(), pool: 'default', capabilities: ['type:data_generation'] };
    await rpc.call('claim', claim, { timeoutMs: 10_000 });
    await session.close();

    const user = { seed: key.seed, jwt };
    const order = {
      servers: nats.url,
      prefix: services.natsPrefix,
      user,
      folder: join(services.folder, 'events'),
      lease,
    };
    const feeder = spawn(
      process.execPath,
      [...AS_A_WORKER, '--expose-gc', FEEDER, JSON.stringify({ ...order, events: EVENTS })],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    services.onClose(async () => void feeder.kill('SIGKILL'));
    const lines = createInterface({ input: feeder.stdout })[Symbol.asyncIterator]();
    const told = async (): Promise<Record<string, number>> => JSON.parse((await lines.next()).value as string);
    const { rss = 0 } = await told();
    await nats.stop();
    feeder.stdin.write('go\n');
    const fed = await told();
    await nats.start();
    const drained = await told();
    const peak = Math.max(fed['peak'] ?? 0, drained['peak'] ?? 0);
    const above = (bytes = 0): number => Math.round((bytes - rss) / 1024 / 1024);
    process.stderr.write(
      `events kept: ${EVENTS}, ${above(fed['peak'])} MB above rest while it is away, ${above(drained['peak'])} in all\n`,
    );
    const database = await services.database();
    const { rows } = await database.query<{ count: number; last: number }>(
      'SELECT count(*)::int AS count, max(worker_n) AS last FROM events WHERE operation_id = $1 AND worker_n IS NOT NULL',
      [operation_id],
    );
    expect(rows).toEqual([{ count: EVENTS, last: EVENTS }]);
    expect(peak - rss).toBeLessThan(MEMORY_BYTES);
  });
});
