import type pg from 'pg';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { attemptRecordOf } from './support/attempt-record.js';
import { givenServices, type Services } from './support/given-services.js';
import { httpOf } from './support/http.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const CLOCK = join(import.meta.dirname, 'support/fixtures/jumping-clock.mjs');
/** Several leases long. */
const PACE_MS = 50;

describe('clocks that jump by an hour', () => {
  let services: Services;
  let database: pg.Client;
  let api: RunningApi;
  let training: ReturnType<typeof trainingOver>;
  const env = {
    ...SHORT_LEASE,
    NODE_OPTIONS: `--import=${pathToFileURL(CLOCK).href}`,
    KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS),
  };
  const nextWorker = (id: string): Promise<RunningWorker> => startWorker(services, { api, id, env });
  const submit = () => training.submit({ spec: smallSpec({ epochs: 2, checkpoint: { every_steps: 10 } }) });
  beforeAll(async () => {
    services = await givenServices();
    database = await services.database();
    api = await startApi(services, { env });
    training = trainingOver(httpOf(api));
  });
  afterAll(() => services.close());

  it('neither end an attempt nor keep a dead worker its lease: that is for the clock of the database', async () => {
    const worker = await nextWorker('w1');
    const undisturbed = await submit();
    await training.completed(undisturbed);

    const jumped = await submit();
    for (const [step, part] of [
      [5, api],
      [15, worker],
      [25, api],
      [35, worker],
    ] as const) {
      await training.reached(jumped, step);
      part.signal('SIGUSR2');
    }
    expect(await training.completed(jumped)).toMatchObject({ attempt: 1, recoveries: 0 });
    expect(await training.weightsOf(jumped)).toBe(await training.weightsOf(undisturbed));

    const orphaned = await submit();
    await training.reached(orphaned, 15);
    worker.signal('SIGUSR2');
    api.signal('SIGUSR2');
    await training.reached(orphaned, 20);
    await worker.kill();
    await nextWorker('w2');
    expect(await training.completed(orphaned)).toMatchObject({ attempt: 2, recoveries: 1 });
    expect(await training.weightsOf(orphaned)).toBe(await training.weightsOf(undisturbed));
    const [first, second] = await attemptRecordOf(database, orphaned).attempts();
    expect([first, second]).toMatchObject([{ outcome: 'lease-expired' }, { outcome: 'complete' }]);
  });
});
