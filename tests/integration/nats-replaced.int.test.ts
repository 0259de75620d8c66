import type pg from 'pg';
import { givenServices, type Services } from './support/given-services.js';
import { httpOf } from './support/http.js';
import { NatsProcess } from './support/nats-process.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

/** `npm run test:slow` kills twenty times during eight trainings. */
const KILLS = Number(process.env['KTRDR_TEST_NATS_KILLS'] ?? 4);
const TRAININGS = Number(process.env['KTRDR_TEST_TRAININGS'] ?? 3);
const PACE_MS = 8;
const STEPS_PER_EPOCH = 28;
/** So many that none is over before the last kill, on a machine that is as fast as it can be. */
const EPOCHS = 4 + KILLS * 8;
const STEPS_BETWEEN = 60;
const REFERENCE_POOL = 'reference';
const WATCHDOG = { seconds: 20, on_stall: 'fail' };

/** Nothing lies in NATS: a server without any state may take the place of another at any time. */
describe('a nats-server that is killed and replaced by an empty one', () => {
  let services: Services;
  let nats: NatsProcess;
  let database: pg.Client;
  let training: ReturnType<typeof trainingOver>;
  const workers: RunningWorker[] = [];

  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    services = { ...shared, natsUrl: nats.url };
    shared.onClose(() => nats.remove());
    database = await services.database();
    const api = await startApi(services, { env: SHORT_LEASE });
    training = trainingOver(httpOf(api));
    const env = {
      KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS),
      KTRDR_WORKER_SLOTS: String(Math.ceil(TRAININGS / 2)),
    };
    for (const id of ['w1', 'w2']) workers.push(await startWorker(services, { api, id, env }));
    workers.push(await startWorker(services, { api, id: 'reference', pool: REFERENCE_POOL }));
  });
  afterAll(() => services.close());

  const submit = (pool = 'default') =>
    training.submit({ pool, watchdog: WATCHDOG, spec: smallSpec({ epochs: EPOCHS, checkpoint: { every_epochs: 1 } }) });

  it(`loses no event, no save and no operation in ${KILLS} times, and changes no weight`, async () => {
    const reference = await submit(REFERENCE_POOL);
    await training.completed(reference);
    const ids: string[] = [];
    for (let n = 0; n < TRAININGS; n += 1) ids.push(await submit());
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const steps = await Promise.all(
        ids.map(async (id) => ((await training.show(id))['progress']?.step as number) ?? 0),
      );
      for (const [index, id] of ids.entries()) await training.reached(id, (steps[index] ?? 0) + STEPS_BETWEEN);
      await nats.stop();
      if (kill === KILLS) ids.push(await submit()); // what begins to wait while nobody can be told
      await nats.start();
    }
    const weights = await training.weightsOf(reference);
    for (const id of ids) {
      const view = await training.completed(id);
      expect(view).toMatchObject({
        attempt: 1,
        recoveries: 0,
        warnings: [],
        latest_checkpoint: { checkpoint_type: 'final' },
      });
      expect(await training.weightsOf(id)).toBe(weights);
      const { rows } = await database.query<{ last: number; told: number; steps: number }>(
        `SELECT max(worker_n) AS last, count(worker_n)::int AS told,
           (SELECT max((data->>'step')::int) FROM events WHERE operation_id = $1 AND type = 'progress') AS steps
         FROM events WHERE operation_id = $1`,
        [id],
      );
      expect(rows[0]?.told).toBe(rows[0]?.last);
      expect(rows[0]?.steps).toBe(EPOCHS * STEPS_PER_EPOCH);
      const points = await database.query(`SELECT 1 FROM metric_points WHERE operation_id = $1`, [id]);
      expect(points.rowCount).toBe(EPOCHS);
    }
    for (const { pid } of workers) expect(() => process.kill(pid, 0)).not.toThrow();
    process.stderr.write(`nats: killed ${KILLS} times during ${ids.length} trainings, nothing lost\n`);
  });
});
