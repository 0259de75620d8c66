import { join } from 'node:path';
import { givenServices, type Services } from './support/given-services.js';
import { eventually } from './support/eventually.js';
import { httpOf } from './support/http.js';
import { startApi, startWorker } from './support/processes.js';
import { trainingOver } from './support/training.js';

const HEARTBEAT_SECONDS = 1;
const SUBMISSIONS = 5;
const SPEC = { version: 1, rows: 2 };

describe('work whose every hint is lost', () => {
  let services: Services;
  beforeAll(async () => {
    services = await givenServices();
  });
  afterAll(() => services.close());

  it('is claimed by the next heartbeat', async () => {
    const program = [join(import.meta.dirname, 'support', 'fixtures', 'hintless-api.mjs')];
    const env = { KTRDR_HEARTBEAT_SECONDS: String(HEARTBEAT_SECONDS) };
    const api = await startApi(services, { program, env, name: 'hintless' });
    const training = trainingOver(httpOf(api));
    await startWorker(services, { api, id: 'w1' });
    const database = await services.database();
    const waits: number[] = [];
    for (let n = 0; n < SUBMISSIONS; n += 1) {
      const id = await training.submit({ type: 'data_generation', spec: SPEC });
      await training.completed(id);
      const { rows } = await database.query<{ waited: number }>(
        `SELECT extract(epoch FROM a.claimed_at - o.created_at)::float8 AS waited
         FROM operations o JOIN attempts a ON a.operation_id = o.id WHERE o.id = $1`,
        [id],
      );
      waits.push(rows[0]?.waited ?? Infinity);
    }
    const unsent = async () => (await api.logs()).match(/hint not sent/g)?.length ?? 0;
    await eventually(async () => (await unsent()) >= SUBMISSIONS, { what: 'the log names each lost hint' });
    expect(await unsent()).toBe(SUBMISSIONS);
    const longest = Math.max(...waits);
    process.stderr.write(
      `hints lost: claimed after ${longest.toFixed(2)} s at most, heartbeat ${HEARTBEAT_SECONDS} s\n`,
    );
    // One that just missed a heartbeat waits for the next; a busy machine may be late with it.
    expect(longest).toBeLessThan(3 * HEARTBEAT_SECONDS + 5);
  });
});
